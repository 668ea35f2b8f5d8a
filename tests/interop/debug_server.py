"""A small server of debug files on the loopback.

usage: debug_server.py PORT_FILE files|slow|silent [ID/KIND=FILE...]

Writes its port to PORT_FILE. `slow` sends a file in pieces over three seconds, `silent` takes connections and never
answers."""
import http.server
import os
import socketserver
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    mode = ""
    files = {}

    def do_GET(self):
        if self.mode == "silent":
            time.sleep(60)
            return
        path = self.files.get(self.path)
        if not path:
            self.send_error(404)
            return
        with open(path, "rb") as file:
            data = file.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        pieces = 12 if self.mode == "slow" else 1
        size = len(data) // pieces + 1
        for at in range(0, len(data), size):
            self.wfile.write(data[at:at + size])
            self.wfile.flush()
            if pieces > 1:
                time.sleep(0.25)

    def log_message(self, *arguments):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


def main():
    port_file, Handler.mode = sys.argv[1:3]
    for pair in sys.argv[3:]:
        name, path = pair.split("=", 1)
        Handler.files["/buildid/" + name] = path
    server = Server(("127.0.0.1", 0), Handler)
    with open(port_file + ".new", "w") as file:
        file.write(str(server.server_address[1]))
    os.rename(port_file + ".new", port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
