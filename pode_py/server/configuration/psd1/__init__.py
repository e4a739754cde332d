"""Reader of PowerShell data files. Pure: it runs nothing, and looks at no file."""
