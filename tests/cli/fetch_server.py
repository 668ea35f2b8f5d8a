"""fetch_server.py PROFILE SOCKET [CERTIFICATE]: serves the profile on a free port of loopback, which it prints, and on a
socket; with a certificate by https on another port, the second that it prints.

/debug/pprof/heap, /debug/pprof/allocs: the profile; /moved: there; /short: half of it, said to be whole; /slow: in ten
pieces over three seconds; /hang: nothing; /html: no profile; anything else: 404.
"""
import http.server
import os
import socketserver
import ssl
import sys
import threading
import time

with open(sys.argv[1], 'rb') as file:
    PROFILE = file.read()


class Handler(http.server.BaseHTTPRequestHandler):
    def address_string(self):
        return 'client'

    def log_message(self, *args):
        pass

    def send(self, body, length=None, headers=()):
        self.send_response(200)
        self.send_header('Content-Length', str(len(body) if length is None else length))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path = self.path.partition('?')[0]
        if path in ('/debug/pprof/heap', '/debug/pprof/allocs'):
            self.send(PROFILE)
        elif path == '/moved':
            self.send_response(301)
            self.send_header('Location', '/debug/pprof/heap')
            self.end_headers()
        elif path == '/short':
            self.send(PROFILE[:len(PROFILE) // 2], len(PROFILE))
        elif path == '/slow':
            step = len(PROFILE) // 10 + 1
            self.send(b'', len(PROFILE))
            for i in range(10):
                time.sleep(0.32)
                self.wfile.write(PROFILE[i * step:(i + 1) * step])
        elif path == '/hang':
            time.sleep(20)
        elif path == '/html':
            self.send(b'<html>hello</html>')
        else:
            self.send_error(404)


class Local(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class Network(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # a client that went away


network = Network(('127.0.0.1', 0), Handler)
local = Local(sys.argv[2], Handler)
threading.Thread(target=local.serve_forever, daemon=True).start()
ports = [network.server_port]
threading.Thread(target=network.serve_forever, daemon=True).start()
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3])
    secret = Network(('127.0.0.1', 0), Handler)
    secret.socket = context.wrap_socket(secret.socket, server_side=True, do_handshake_on_connect=False)
    ports.append(secret.server_port)
    threading.Thread(target=secret.serve_forever, daemon=True).start()
print(*ports, flush=True)
sys.stdin.read()  # until whoever started it is gone
os._exit(0)
