"""An HTTP server that prints its port, then each request that it takes as one JSON line, until stdin ends.

A path that ends in /busy is answered 503 the first time.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

seen = set()


class Echo(BaseHTTPRequestHandler):
    def take(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        busy = self.path.endswith("/busy") and self.path not in seen
        seen.add(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        told = {"method": self.command, "path": self.path, "headers": headers, "body": body}
        print(json.dumps(told), flush=True)
        self.send_response(503 if busy else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST = take

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
