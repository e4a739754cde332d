"""The values of the page that servers render from the same templates, in views/."""

from typing import Any, Final

TEMPLATE: Final = "users.html"

VALUES: Final[dict[str, Any]] = {
    "title": "Users & friends",
    "users": [{"id": number, "name": f"User <{number}>"} for number in range(10)],
}
