"""The EC2 emulator of the end-to-end suites: moto, made as strict as EC2.

Rule: one request at a time, so that each is as atomic as it is in EC2; POST /strict/quotas sets quotas, everything
else is moto's.
"""

import argparse
import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from strict import addresses, groups, interfaces, tags
from strict.quotas import quotas
from werkzeug.serving import run_simple

Start = Callable[..., Any]
Environ = dict[str, Any]


class Emulator:
    """moto's application, behind one lock."""

    def __init__(self) -> None:
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.lock = threading.Lock()

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/strict/quotas":
            wanted = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"{}")
            quotas.set(wanted)
            start("200 OK", [("content-type", "application/json")])
            return [json.dumps(vars(quotas)).encode()]
        with self.lock:
            return list(self.moto(environ, start))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    for part in (addresses, groups, interfaces, tags):
        part.apply()
    run_simple("127.0.0.1", port, Emulator(), threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    main()
