"""Responses with a secret at each kind of place that is masked: `{S}` is the secret, `{N}` differs beside it."""

import json
from dataclasses import dataclass
from urllib.parse import quote_plus

from darklaunch_shared.wire.exchange import Headers

JSON, HTML, XML, TEXT, CSV = "application/json", "text/html", "application/xml", "text/plain", "text/csv"
TSV, FORM, LINES, YAML = (
    "text/tab-separated-values", "application/x-www-form-urlencoded", "application/x-ndjson", "application/yaml",
)  # fmt: skip
PARTS = "multipart/form-data; boundary=B"

BODIES: dict[str, tuple[str, str]] = {
    "JSON member": (JSON, '{"a":1,"password":"{S}"}'),
    "JSON below a member": (JSON, '{"u":{"access_token":{"v":["{S}"]}}}'),
    "JSON object with one": (JSON, '{"u":{"password":"{S}","n":{N}}}'),
    "JSON list": (JSON, '[{"secret":"{S}"},{"b":{N}}]'),
    "JSON that breaks off": (JSON, '{"n":{N},"password":"{S}"'),
    "JSON in JSON": (JSON, '{"s":"{\\"password\\":\\"{S}\\"}"}'),
    "JSON lines": (LINES, '{"password":"{S}"}\n{"n":{N}}\n'),
    "HTML in JSON": (JSON, '{"html":"<form><input name=\\"password\\" value=\\"{S}\\"></form>"}'),
    "HTML in JSON, value first": (JSON, "{\"html\":\"<p>{N}</p><input value='{S}' name='csrf_token'>\"}"),
    "meta in JSON": (JSON, '{"html":"<meta content=\\"{S}\\" name=\\"csrf-token\\"><p>{N}</p>"}'),
    "URL in JSON": (JSON, '{"u":"https://x/?token={Q}&n={N}"}'),
    "input": (HTML, '<html><body><form><input name="password" value="{S}"></form><p>{N}</p></body></html>'),
    "input, value first": (
        HTML,
        '<html><body><form><input value="{S}" name="password"></form><p>{N}</p></body></html>',
    ),
    "inputs of one name": (
        HTML,
        '<html><body><input name="pwd" value="{S}"><input name="pwd" value="z"></body></html>',
    ),
    "input without quotes": (HTML, "<html><body><input name=password value={Q}><p>{N}</p></body></html>"),
    "input over lines": (HTML, '<html><body><input\n name="password"\n value="{S}"><p>{N}</p></body></html>'),
    "meta": (HTML, '<html><head><meta name="csrf-token" content="{S}"></head><body>{N}</body></html>'),
    "meta, content first": (HTML, '<html><head><meta content="{S}" name="csrf-token"></head><body>{N}</body></html>'),
    "text area": (HTML, '<html><body><textarea name="secret">{S}</textarea><p>{N}</p></body></html>'),
    "data attribute": (HTML, '<html><body><div data-csrf-token="{S}">{N}</div></body></html>'),
    "script variable": (HTML, '<html><head><script>\nvar a={N};\nvar csrfToken = "{S}";\n</script></head></html>'),
    "script object": (HTML, '<html><head><script>x={"accessToken":"{S}","n":{N}}</script></head></html>'),
    "link": (HTML, '<html><body><a href="/x?b={N}&amp;token={Q}">z</a></body></html>'),
    "XML element": (XML, '<?xml version="1.0"?><u><password>{S}</password><n>{N}</n></u>'),
    "XML element below one": (XML, '<?xml version="1.0"?><u><password><v>{S}</v></password><n>{N}</n></u>'),
    "XML attribute below one": (XML, '<?xml version="1.0"?><u><token><v a="{S}"/></token><n>{N}</n></u>'),
    "XML namespace": (XML, '<?xml version="1.0"?><s:E xmlns:s="x"><s:Password T="t">{S}</s:Password><n>{N}</n></s:E>'),
    "XML attribute": (XML, '<?xml version="1.0"?><u password="{S}" n="{N}"/>'),
    "XML attribute in single quotes": (XML, "<?xml version='1.0'?><u password='{S}' n='{N}'/>"),
    "XML named value": (XML, '<?xml version="1.0"?><c><add name="password" value="{S}"/><n>{N}</n></c>'),
    "CDATA": (XML, '<?xml version="1.0"?><u><password><![CDATA[{S}]]></password><n>{N}</n></u>'),
    "CDATA of a named element": (XML, '<?xml version="1.0"?><u><add key="password"><![CDATA[{S}]]></add>{N}</u>'),
    "malformed XML": (XML, "<u><password>{S}</password><n>{N}</u>"),
    "malformed XML over lines": (XML, "<u>\n<password>\n{S}\n</password>\n<n>{N}</u>"),
    "text": (TEXT, "user={N}\npassword={Q}\nend"),
    "text with a colon": (TEXT, 'user: {N}\npassword: "{S}"\nend'),
    "log line": (TEXT, 'at {N} {"a": 1, "password": "{S}", broken'),
    "bearer": (TEXT, "Authorization: Bearer {Q}\nn {N}"),
    "YAML": (YAML, 'a: {N}\npassword: "{S}"\n'),
    "CSV": (CSV, "user,password,n\nada,{S},{N}\nbob,x,2\n"),
    "CSV in quotes": (CSV, '"user","password","n"\r\n"ada","{S}","{N}"\r\n'),
    "CSV with semicolons": (CSV, "user;api_key;n\r\nada;{Q};{N}\r\n"),
    "CSV with a byte order mark": (CSV, "\ufeffpassword,n\r\n{S},{N}\r\n"),
    "TSV": (TSV, "user\tpassword\tn\r\nada\t{S}\t{N}\r\n"),
    "form": (FORM, "a={N}&password={Q}"),
    "form, nested name": (FORM, "a={N}&user%5Bpassword%5D={Q}"),
    "form part": (
        PARTS,
        '--B\r\nContent-Disposition: form-data; name="password"\r\n\r\n{S}\r\n'
        '--B\r\nContent-Disposition: form-data; name="n"\r\n\r\n{N}\r\n--B--\r\n',
    ),
    "JSON part": (
        "multipart/mixed; boundary=B",
        '--B\r\nContent-Type: application/json\r\n\r\n{"password":"{S}","n":{N}}\r\n--B--\r\n',
    ),
}
"""What is masked in bodies."""

FIELDS: dict[str, tuple[str, str]] = {
    "redirect": ("location", "/cb?n={N}&token={Q}"),
    "link field": ("link", '</x?token={Q}&n={N}>; rel="next"'),
    "cookie": ("set-cookie", "sid={Q}; Path=/{N}"),
    "challenge": ("www-authenticate", 'Digest realm="{N}", token="{S}"'),
    "key field": ("x-api-key", "{S}"),
    "file": ("content-disposition", 'attachment; filename="{N}"; token="{S}"'),
}
"""What is masked in header fields."""

OTHER_BODIES = {
    JSON: b'{"other": [1]}',
    HTML: b"<html><body><b>other</b></body></html>",
    XML: b'<?xml version="1.0"?><other/>',
    CSV: b"other\nx\n",
}
"""What a shadow may respond instead, by content type."""

SECRETS = (
    ("hunterxyz", "tigerabcd"),
    ("Zq9fK2mN7pL4", "Bw3hT8vR1cX6"),
    ("quince wo rdly", "melonn fo urly"),
    ("73519924", "88124403"),
)
"""Pairs of secrets: words, tokens, words with spaces between them, numbers."""


@dataclass(frozen=True)
class PlantedPair:
    """Two responses, with a secret in the first and, but for `missing`, in the second."""

    name: str
    primary: tuple[bytes, Headers]
    shadow: tuple[bytes, Headers]


def plant(name: str, one: str, other: str | None) -> PlantedPair:
    """Return two responses that differ beside the secret, and in the secret where `other` is another.

    With `other` None, the shadow responds something else that has no secret in it.
    """
    if name in FIELDS:
        field, template = FIELDS[name]
        sides = [
            (b"{}", (("content-type", JSON), *(((field, fill(template, secret, n)),) if secret else ())))
            for secret, n in ((one, "1"), (other, "2"))
        ]
        return PlantedPair(name, *sides)
    content_type, template = BODIES[name]
    types = (("content-type", content_type),)
    shadow = OTHER_BODIES.get(content_type, b"other\n") if other is None else fill(template, other, "2").encode()
    return PlantedPair(name, (fill(template, one, "1").encode(), types), (shadow, types))


def fill(template: str, secret: str, n: str) -> str:
    written = json.dumps(secret)[1:-1] if template.startswith(("{", "[")) else secret
    return template.replace("{N}", n).replace("{S}", written).replace("{Q}", quote_plus(secret))


def find_leaks(text: str, *secrets: str) -> list[str]:
    """Return which secrets, or words of them, are in a text, however they are written there."""
    parts = {part for secret in secrets for part in (secret, quote_plus(secret), *secret.split()) if len(part) >= 4}
    return sorted(part for part in parts if part in text)
