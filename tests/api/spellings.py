"""Many ways to spell an address."""

from __future__ import annotations

import re


def same(path: str) -> list[str]:
    """The spellings that mean this very address (RFC 3986, 6.2.2): what is open is open by these, and no others."""
    letter = re.sub(r"[a-z]", lambda found: f"%{ord(found[0]):02x}", path, count=1)
    return list(dict.fromkeys([path, path if path.endswith("/") else f"{path}/", f"{path}?x=y", letter]))


def refused(path: str) -> dict[str, str]:
    """Spellings that somebody somewhere takes for this address, by what they try; here they are no address' at all."""
    rest, inner = path[1:], path[0] + path[1:].replace("/", "{}")
    last = path.rpartition("/")
    return {
        "two slashes": f"/{path}",
        "three slashes": f"//{path}",
        "four slashes": f"///{path}",
        "a double slash within": f"{last[0]}//{last[2]}",
        "double slashes everywhere": path.replace("/", "//"),
        "two slashes at the end": f"{path}//",
        "an encoded slash first": f"/%2f{rest}",
        "the same, upper case": f"/%2F{rest}",
        "an encoded slash instead": f"%2f{rest}",
        "encoded slashes within": inner.replace("{}", "%2f"),
        "the same, upper case, within": inner.replace("{}", "%2F"),
        "an encoded slash at the end": f"{path}%2f",
        "a doubly encoded slash first": f"/%252f{rest}",
        "doubly encoded slashes within": inner.replace("{}", "%252F"),
        "a dot segment": f"/.{path}",
        "two dots": f"/..{path}",
        "out of something": f"/x/..{path}",
        "out of health": f"/scheduler/health/../..{path}",
        "out of the files": f"/static/..{path}",
        "out of the files, encoded": f"/static/..%2f{rest}",
        "out of the documentation": f"/docs/..{path}",
        "an encoded dot": f"/%2e{path}",
        "encoded dots": f"/%2e%2e{path}",
        "out of health, encoded": f"/scheduler/health/%2E%2e/%2e%2E{path}",
        "doubly encoded dots": f"/x/%252e%252e{path}",
        "a dot at the end": f"{path}/.",
        "dots at the end": f"{path}/x/..",
        "absolute": f"http://x{path}",
        "absolute, two slashes": f"http://x/{path}",
        "absolute, with a user": f"http://user:pass@x/{path}",
        "absolute, upper case": f"HTTPS://X//{path}",
        "absolute, nowhere": f"http://{path}",
        "a scheme alone": f"http:{path}",
        "an authority": f"x:80{path}",
        "a backslash first": f"/\\{rest}",
        "a backslash instead": f"\\{rest}",
        "backslashes within": inner.replace("{}", "\\"),
        "encoded backslashes within": inner.replace("{}", "%5c"),
        "an encoded backslash first": f"/%5C{rest}",
        "a tab": f"/\t{rest}",
        "an encoded tab": f"/%09{rest}",
        "an encoded tab at the end": f"{path}%09",
        "NUL": f"{path}\x00",
        "an encoded NUL": f"{path}%00",
        "an encoded NUL first": f"/%00{rest}",
        "an encoded line break": f"{path}%0d%0a",
        "an overlong slash": f"/%c0%af{rest}",
        "overlong dots": f"/x/%c0%ae%c0%ae{path}",
        "raw UTF-8": f"/\xc3\xa9{path}",
        "a fragment": f"{path}#x",
        "a fragment of health": f"/scheduler/health#{path}",
        "a star": f"*{path}",
    }


def elsewhere(path: str) -> dict[str, str]:
    """Addresses that look like this one, and are others, or none."""
    rest = path[1:]
    return {
        "dots and a parameter": f"/..;{path}",
        "upper case": path.upper(),
        "a capital letter": f"/{rest.capitalize()}",
        "a parameter": f"{path};x=y",
        "a parameter first": f"/;x{path}",
        "an encoded blank": f"/%20{rest}",
        "an encoded blank at the end": f"{path}%20",
        "a wide slash": f"/%ef%bc%8f{rest}",
        "an encoded question mark": f"{path}%3fx=y",
        "an encoded number sign": f"{path}%23",
        "below health": f"/scheduler/health{path}",
        "below the documentation": f"/docs{path}",
        "below the files": f"/static{path}",
        "as a file": f"{path}.css",
        "as health": f"{path}/health",
        "a lone percent sign": f"{path}%",
        "an old encoding": f"/%u002f{rest}",
    }
