"""A request as a `curl` command that a shell runs as it stands.

The address of the service and the key are variables of the shell, `URL` and `API_KEY`; so is each id in a path, such as
`JOB_ID`. So a command can be copied, and kept, without a secret in it.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

_WIDTH = 100
"""What fits into so many columns stays on one line."""
_JSON = "application/json"
_FILES = {"text/vcard": "people.vcf", "text/calendar": "days.ics", "text/csv": "people.csv"}
"""Media type -> the file that the command sends."""


def curl(method: str, path: str, operation: Mapping[str, Any]) -> str:
    """Write the request of an operation.

    Args:
        method: GET, POST, PUT or DELETE.
        path: the path, with the names of its parameters in braces.
        operation: what the OpenAPI document says of it.

    Returns:
        The command, on one or several lines.
    """
    asked = "".join(f"?{name}={value}" for name, value in _required(operation))
    address = re.sub(r"\{(\w+)\}", lambda found: f"${found[1].upper()}", path)
    first = ["curl", *(() if method == "GET" else ("-X", method)), f'"$URL{address}{asked}"']
    parts = [" ".join(first)]
    if operation.get("security") != []:
        parts.append('-H "X-API-Key: $API_KEY"')
    parts += _body(operation.get("requestBody", {}).get("content", {}))
    return " \\\n  ".join(parts)


def _required(operation: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the query parameters without which the request is refused, with their examples."""
    return [
        (parameter["name"], parameter["example"])
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query" and parameter["required"]
    ]


def _body(content: Mapping[str, Any]) -> list[str]:
    if _JSON in content:
        body = written(content[_JSON].get("example", {}))
        return ['-H "Content-Type: application/json"', f"-d {shlex.quote(body)}"]
    for media, file in _FILES.items():
        if media in content:
            return [f'-H "Content-Type: {media}"', f"--data-binary @{file}"]
    return [f"-d {shlex.quote(str(one.get('example', '')))}" for one in list(content.values())[:1]]


def written(value: Any, indent: str = "") -> str:
    """Write JSON for people: what fits into a line stays on it."""
    whole = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(whole) <= _WIDTH or not isinstance(value, dict | list):
        return whole
    inner = f"{indent}  "
    if isinstance(value, dict):
        parts = [f"{inner}{json.dumps(name)}: {written(one, inner)}" for name, one in value.items()]
    else:
        parts = [f"{inner}{written(one, inner)}" for one in value]
    first, last = "{}" if isinstance(value, dict) else "[]"
    return "\n".join([first, ",\n".join(parts), f"{indent}{last}"])
