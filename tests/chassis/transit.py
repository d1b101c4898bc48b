"""A key-management service of the tests: the transit calls of Vault and OpenBao over real HTTP, with real encryption and versions of one key."""

import base64
import http.server
import json
import os
import threading
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "s.invented"


class Transit:
    """One named key; `versions` are what it was rotated to, `status` what it answers instead of working."""

    def __init__(self, key: str = "naungan") -> None:
        self.key, self.versions, self.status, self.calls = key, [AESGCM.generate_key(256)], 0, 0
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def rotate(self) -> None:
        """Make a new version; the earlier ones go on opening."""
        self.versions.append(AESGCM.generate_key(256))

    def close(self) -> None:
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()

    def answer(self, method: str, path: str, token: str | None, body: Any) -> tuple[int, Any]:
        """What the service says."""
        self.calls += 1
        if self.status:
            return self.status, {"errors": ["Vault is sealed"]}
        if token != TOKEN:
            return 403, {"errors": ["permission denied"]}
        what, _, key = path.removeprefix("/v1/transit/").partition("/")
        if key != self.key:
            return 404, {"errors": []}
        if (method, what) == ("GET", "keys"):
            return 200, {"data": {"latest_version": len(self.versions)}}
        work = {"encrypt": self._encrypt, "decrypt": self._decrypt}[what]
        results = [work(entry) for entry in body["batch_input"]]
        return 400 if any("error" in result for result in results) else 200, {"data": {"batch_results": results}}

    def _encrypt(self, entry: dict[str, str]) -> dict[str, Any]:
        nonce, version = os.urandom(12), len(self.versions)
        sealed = nonce + AESGCM(self.versions[-1]).encrypt(nonce, base64.b64decode(entry["plaintext"]), None)
        return {"ciphertext": f"vault:v{version}:{base64.b64encode(sealed).decode()}", "key_version": version}

    def _decrypt(self, entry: dict[str, str]) -> dict[str, Any]:
        try:
            _, version, sealed = entry["ciphertext"].split(":")
            raw = base64.b64decode(sealed)
            return {"plaintext": base64.b64encode(AESGCM(self.versions[int(version[1:]) - 1]).decrypt(raw[:12], raw[12:], None)).decode()}
        except (InvalidTag, ValueError, IndexError):
            return {"error": "cipher: message authentication failed"}

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._do("GET")

            def do_POST(self) -> None:
                self._do("POST")

            def _do(self, method: str) -> None:
                length = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                status, said = service.answer(method, self.path, self.headers.get("x-vault-token"), body)
                content = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                return

        return Handler
