"""What every request passes before a handler sees it: sizes, host, origin, headers, and the last net for errors."""
