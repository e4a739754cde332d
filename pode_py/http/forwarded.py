"""What proxies say of the client: X-Forwarded-For and its kin, and Forwarded (RFC 7239).

Only parsers. Whether a proxy is believed is decided in web/endpoints/proxies.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from pode_py.http.headers import RequestHeaders
from pode_py.http.strictness import is_host

# A chain of proxies is short. Of a longer list the end counts: the rest is the client's own word.
MAX_HOPS = 64

_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)+\Z")
_PORT = re.compile(r"(\[[^\]]*\]|[^:\[\]]+)(?::[\w.-]{1,16})?\Z")
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
# What says where an element ends. A quote behind an odd number of backslashes is a character.
_MARK = re.compile(r'\\+"?|"|,')
_PAIR = re.compile(r'(?<![A-Za-z])([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^;"\s]*))')


@dataclass(frozen=True, slots=True)
class Chain:
    """Lists, each in the order in which the proxies added to it: the nearest one's word is last.

    An address is None where a proxy has hidden it, or where it is none. What is no scheme, host or
    prefix is an empty text.
    """

    addresses: tuple[str | None, ...] = ()
    schemes: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()


def x_forwarded(headers: RequestHeaders) -> Chain:
    """The chain of the X-Forwarded fields, each of which may come several times."""

    def values(name: str) -> list[str]:
        text = ",".join(headers.get_all(name))
        return [value.strip() for value in text.split(",")][-MAX_HOPS:] if text else []

    return Chain(
        tuple(map(address_of, values("x-forwarded-for"))),
        tuple(map(_scheme, values("x-forwarded-proto"))),
        tuple(map(_host, values("x-forwarded-host"))),
        tuple(map(_prefix, values("x-forwarded-prefix"))),
    )


def forwarded(headers: RequestHeaders) -> Chain:
    """The chain of the field Forwarded."""
    elements = [
        {name.lower(): quoted or token for name, quoted, token in _PAIR.findall(element)}
        for field in headers.get_all("forwarded")
        for element in _elements(field)
    ][-MAX_HOPS:]
    return Chain(
        tuple(address_of(element.get("for", "")) for element in elements),
        tuple(_scheme(element.get("proto", "")) for element in elements),
        tuple(_host(element.get("host", "")) for element in elements),
    )


def _elements(field: str) -> list[str]:
    """The elements of a list, read from its end: a quote that the client does not close must not
    swallow what a proxy has added behind it. What stands in such a quote is one empty element."""
    elements: list[str] = []
    end, quoted = len(field), False
    for mark in reversed([*_MARK.finditer(field)]):
        text = mark[0]
        if text == ",":
            if not quoted:
                elements.append(field[mark.end() : end])
                end = mark.start()
                if len(elements) == MAX_HOPS:
                    return elements[::-1]
        elif text.endswith('"') and len(text) % 2:
            quoted = not quoted
    elements.append("" if quoted else field[:end])
    return [element for element in reversed(elements) if quoted or element.strip()]


def address_of(text: str) -> str | None:
    """The IP address of a node, without a port; None for a name, or for one that is hidden.

    >>> address_of("[2001:DB8::1]:4711"), address_of("192.0.2.1:80"), address_of("unknown")
    ('2001:db8::1', '192.0.2.1', None)
    """
    found = _PORT.match(text)
    name = found[1].strip("[]") if found else text
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


def _scheme(text: str) -> str:
    return _SCHEMES.get(text.lower(), "")


def _host(text: str) -> str:
    return text if text.isascii() and is_host(text.encode("ascii")) else ""


def _prefix(text: str) -> str:
    """A path without a slash at its end. Two slashes at its beginning would name another host."""
    plain = text.rstrip("/")
    parts = plain.split("/")
    return plain if _PREFIX.match(plain) and not {".", ".."} & set(parts) else ""
