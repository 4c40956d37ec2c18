"""Client programs for tests of `serve`: each makes three connections, one after the other.

A row is a real client as people use it, what is true of it, and its cure where it does not
resume: the setting that makes it. `{folder}` in a command is where the row's files are.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

#: Programs by file name.
FILES: Mapping[str, str] = {
    "urllib_plain.py": """
import sys, urllib.request
for _ in range(3):
    urllib.request.urlopen(sys.argv[1]).read()
""",
    "ssl_session.py": """
import socket, ssl, sys
from urllib.parse import urlsplit
url, when = urlsplit(sys.argv[1]), sys.argv[2]
context, session = ssl.create_default_context(), None
for _ in range(3):
    raw = socket.create_connection((url.hostname, url.port))
    with context.wrap_socket(raw, server_hostname=url.hostname, session=session) as tls:
        if when == "at-once":
            session = tls.session
        tls.sendall(b"GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
        while tls.recv(4096):
            pass
        if when == "after-read":
            session = tls.session
        try:
            tls.unwrap()
        except OSError:
            pass  # a server that closed without close_notify
""",
    "requests_plain.py": """
import sys, requests
with requests.Session() as session:
    for _ in range(3):
        session.get(sys.argv[1])
""",
    "urllib3_plain.py": """
import os, sys, urllib3
pool = urllib3.PoolManager(ca_certs=os.environ["SSL_CERT_FILE"])
for _ in range(3):
    pool.request("GET", sys.argv[1])
""",
    "keeping.py": """
import os, ssl
class Keeping(ssl.SSLContext):
    '''A Context that offers on each connection the session of the last, taken after a read.'''
    kept = None
    def wrap_socket(self, *args, **kwargs):
        return super().wrap_socket(*args, **kwargs, session=Keeping.kept)
    def wrap_bio(self, *args, **kwargs):
        return super().wrap_bio(*args, **kwargs, session=Keeping.kept)
class Socket(ssl.SSLSocket):
    def read(self, *args):
        data = super().read(*args)
        Keeping.kept = self.session
        return data
class Object(ssl.SSLObject):
    def read(self, *args):
        data = super().read(*args)
        Keeping.kept = self.session
        return data
Keeping.sslsocket_class, Keeping.sslobject_class = Socket, Object
context = Keeping(ssl.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(os.environ["SSL_CERT_FILE"])
""",
    "urllib3_session.py": """
import sys, urllib3, keeping
pool = urllib3.PoolManager(ssl_context=keeping.context)
for _ in range(3):
    pool.request("GET", sys.argv[1])
""",
    "requests_session.py": """
import sys, requests, requests.adapters, keeping
class Adapter(requests.adapters.HTTPAdapter):
    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, ssl_context=keeping.context, **kwargs)
with requests.Session() as session:
    session.mount("https://", Adapter())
    for _ in range(3):
        session.get(sys.argv[1])
""",
    "httpx_session.py": """
import sys, httpx, keeping
with httpx.Client(verify=keeping.context) as client:
    for _ in range(3):
        client.get(sys.argv[1])
""",
    "aiohttp_session.py": """
import asyncio, sys, aiohttp, keeping
async def main():
    connector = aiohttp.TCPConnector(ssl=keeping.context)
    async with aiohttp.ClientSession(connector=connector) as session:
        for _ in range(3):
            async with session.get(sys.argv[1]) as answer:
                await answer.read()
asyncio.run(main())
""",
    "httpx_plain.py": """
import os, ssl, sys, httpx
context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
with httpx.Client(verify=context) as client:
    for _ in range(3):
        client.get(sys.argv[1])
""",
    "aiohttp_plain.py": """
import asyncio, os, ssl, sys, aiohttp
async def main():
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        for _ in range(3):
            async with session.get(sys.argv[1]) as answer:
                await answer.read()
asyncio.run(main())
""",
    "node_https.js": """
const https = require('https');
const agent = process.argv[3] === 'no-agent' ? false : new https.Agent();
function get(left) {
  https.get(process.argv[2], { agent }, (answer) => {
    answer.resume();
    answer.on('end', () => { if (left > 1) setImmediate(get, left - 1); });
  }).on('error', (error) => { console.error(error.message); process.exitCode = 1; });
}
get(3);
""",
    "fetch.go": """
package main
import ("crypto/tls"; "fmt"; "io"; "net/http"; "os")
func main() {
	config := &tls.Config{}
	if len(os.Args) > 2 { config.ClientSessionCache = tls.NewLRUClientSessionCache(0) }
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	for i := 0; i < 3; i++ {
		answer, err := client.Get(os.Args[1])
		if err != nil { fmt.Println(err); os.Exit(1) }
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
}
""",
    "Fetch.java": """
import java.net.URI;
import java.net.http.*;
public class Fetch {
    public static void main(String[] args) throws Exception {
        HttpClient client = null;
        for (int i = 0; i < 3; i++) {
            if (client == null || args.length > 1) {
                javax.net.ssl.SSLContext context = javax.net.ssl.SSLContext.getInstance("TLS");
                java.security.KeyStore store = java.security.KeyStore.getInstance(
                    new java.io.File(System.getProperty("javax.net.ssl.trustStore")),
                    "changeit".toCharArray());
                var trust = javax.net.ssl.TrustManagerFactory.getInstance("PKIX");
                trust.init(store);
                context.init(null, trust.getTrustManagers(), null);
                client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
                    .sslContext(context).build();
            }
            client.send(HttpRequest.newBuilder(URI.create(args[0])).build(),
                HttpResponse.BodyHandlers.ofString());
        }
    }
}
""",
    "fetch.rb": """
require 'net/http'
uri = URI(ARGV[0])
http = nil
3.times do
  if http.nil? || ARGV[1]
    http = Net::HTTP.new(uri.host, uri.port)
    http.use_ssl = true
    http.ca_file = ENV['SSL_CERT_FILE']
  end
  http.start { |each| each.get('/') }
end
""",
    "browse.html": """
<body><script>
const url = new URLSearchParams(location.search).get('url');
let left = 4;
function next() {
  if (left-- === 0) return;
  const image = new Image();
  image.onerror = image.onload = next;
  image.src = url + '?' + left;
  document.body.append(image);
}
next();
</script></body>
""",
    "browse.sh": """
# A browser with a fresh profile, that trusts $2 and loads four images of $1.
export HOME=$(mktemp -d)
mkdir -p "$HOME/.pki/nssdb"
certutil -d "sql:$HOME/.pki/nssdb" -N --empty-password
certutil -d "sql:$HOME/.pki/nssdb" -A -t C,, -n tlsresume -i "$2"
chromium --no-sandbox --headless --disable-gpu --disable-background-networking \\
  --user-data-dir="$HOME/profile" --dump-dom "file://$3/browse.html?url=$1" >"$HOME/out" 2>&1
rm -rf "$HOME"
""",
    "fetch.php": """
<?php
$context = stream_context_create(['ssl' => ['cafile' => getenv('SSL_CERT_FILE')]]);
for ($i = 0; $i < 3; $i++) { file_get_contents($argv[1], false, $context); }
""",
    "curl.php": """
<?php
$curl = curl_init();
for ($i = 0; $i < 3; $i++) {
  curl_setopt_array($curl, [CURLOPT_URL => $argv[1], CURLOPT_RETURNTRANSFER => true,
    CURLOPT_CAINFO => getenv('SSL_CERT_FILE')]);
  curl_exec($curl);
}
""",
}


@dataclass(frozen=True)
class Program:
    """A client: what it needs on PATH, its command, what is true of it on TLS 1.3 and 1.2, and
    the command that cures it. `codes` are findings that it must have on TLS 1.3; `remedy` is
    the cure in words.

    `truth` None: not spoken, or not told there. `notes` says why, by the behaviour that goes
    wrong or the code of the finding.
    """

    name: str
    needs: str
    command: str
    truth: tuple[str | None, str | None]
    cure: str | None = None
    cured: tuple[str | None, str | None] = ("resumes", "resumes")
    codes: frozenset[str] = field(default_factory=frozenset)
    remedy: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)


RESUMES = ("resumes", "resumes")
NEVER = ("never-offers", "never-offers")
PYTHON = sys.executable
S_CLIENT = "openssl s_client -connect {host}:{port} -CAfile {cafile} -servername localhost -ign_eof"
_GET = r"printf 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'"

PROGRAMS: tuple[Program, ...] = (
    Program(
        "curl, one process",
        "curl",
        "curl -sS {url} {url} {url}",
        RESUMES,
        notes={
            "no-ticket-extension": "curl's OpenSSL backend and urllib3 ask for no TLS 1.2 tickets;"
            " they resume by session ID.",
        },
    ),
    Program(
        "curl, three processes",
        "curl",
        "curl -sS {url}; curl -sS {url}; curl -sS {url}",
        NEVER,
        cure="curl -sS {url} {url} {url}",
        codes=frozenset({"never-offers"}),
        remedy="one process for all; between processes `--ssl-sessions FILE` (8.12 and newer)",
    ),
    Program(
        "wget",
        "wget",
        "wget -qO /dev/null --ca-certificate={cafile} {url} {url}",
        NEVER,
        cure="curl -sS {url} {url}",
        remedy="none; curl in one process",
    ),
    Program(
        "Python urllib",
        PYTHON,
        f"{PYTHON} {{folder}}/urllib_plain.py {{url}}",
        NEVER,
        cure=f"{PYTHON} {{folder}}/ssl_session.py {{url}} after-read",
        remedy="`ssl` with `session=`, taken after a read",
    ),
    Program(
        "Python ssl, session= right after the handshake",
        PYTHON,
        f"{PYTHON} {{folder}}/ssl_session.py {{url}} at-once",
        ("never-offers", "resumes"),
        cure=f"{PYTHON} {{folder}}/ssl_session.py {{url}} after-read",
        remedy="take the session after the first read",
    ),
    Program(
        "requests",
        "{python}",
        "{python} {folder}/requests_plain.py {url}",
        NEVER,
        cure="{python} {folder}/requests_session.py {url}",
        remedy="an adapter whose Context gives `session=`",
    ),
    Program(
        "urllib3",
        "{python}",
        "{python} {folder}/urllib3_plain.py {url}",
        NEVER,
        cure="{python} {folder}/urllib3_session.py {url}",
        remedy="a Context that gives `session=`",
    ),
    Program(
        "httpx",
        "{python}",
        "{python} {folder}/httpx_plain.py {url}",
        NEVER,
        cure="{python} {folder}/httpx_session.py {url}",
        remedy="a Context that gives `session=`",
    ),
    Program(
        "aiohttp",
        "{python}",
        "{python} {folder}/aiohttp_plain.py {url}",
        NEVER,
        cure="{python} {folder}/aiohttp_session.py {url}",
        remedy="a Context that gives `session=`",
    ),
    Program(
        "Node https, one agent",
        "node",
        "node {folder}/node_https.js {url}",
        RESUMES,
    ),
    Program(
        "Node https, agent: false",
        "node",
        "node {folder}/node_https.js {url} no-agent",
        NEVER,
        cure="node {folder}/node_https.js {url}",
        remedy="one `https.Agent`",
    ),
    Program(
        "Go net/http",
        "go",
        "{folder}/fetch-go {url}",
        NEVER,
        cure="{folder}/fetch-go {url} cache",
        codes=frozenset({"never-offers", "no-psk-modes"}),
        remedy="`ClientSessionCache` in `tls.Config`",
    ),
    Program(
        "Go net/http, ClientSessionCache",
        "go",
        "{folder}/fetch-go {url} cache",
        RESUMES,
        notes={
            "hello-retry": "Go with a session cache fails in `hello-retry`: it offers the session"
            " again after a HelloRetryRequest with a wrong binder, and the server ends the"
            " handshake.",
            "session-ids": "Go offers no session IDs, so it resumes nothing with a TLS 1.2 server"
            " that issues no tickets.",
        },
    ),
    Program(
        "Java HttpClient, one client",
        "java",
        "java -Djavax.net.ssl.trustStore={truststore} {folder}/Fetch.java {url}",
        RESUMES,
    ),
    Program(
        "Java HttpClient, a context for each",
        "java",
        "java -Djavax.net.ssl.trustStore={truststore} {folder}/Fetch.java {url} anew",
        NEVER,
        cure="java -Djavax.net.ssl.trustStore={truststore} {folder}/Fetch.java {url}",
        remedy="one `SSLContext` and client",
    ),
    Program(
        "Ruby Net::HTTP, one object",
        "ruby",
        "ruby {folder}/fetch.rb {url}",
        RESUMES,
    ),
    Program(
        "Ruby Net::HTTP, an object for each",
        "ruby",
        "ruby {folder}/fetch.rb {url} anew",
        NEVER,
        cure="ruby {folder}/fetch.rb {url}",
        remedy="one `Net::HTTP` object, started again",
    ),
    Program(
        "PHP streams",
        "php",
        "php {folder}/fetch.php {url}",
        NEVER,
        cure="curl -sS {url} {url} {url}",
        remedy="none; curl with one handle",
    ),
    Program(
        "gnutls-cli -r",
        "gnutls-cli",
        f"({_GET}; sleep 1; {_GET}; sleep 1) | gnutls-cli -r --x509cafile={{cafile}} -p {{port}}"
        " localhost --waitresumption",
        RESUMES,
        notes=dict.fromkeys(
            ("no-tickets", "late-tickets"),
            "`gnutls-cli -r --waitresumption` waits for ever where no ticket comes before it"
            " speaks (`no-tickets`, `late-tickets`).",
        ),
    ),
    Program(
        "openssl s_client -reconnect",
        "openssl",
        f"{_GET} | {S_CLIENT} -reconnect",
        ("never-offers", "resumes"),
        cure=f"({_GET}; sleep 1) | {S_CLIENT} -sess_out {{folder}}/session;"
        f" ({_GET}; sleep 1) | {S_CLIENT} -sess_in {{folder}}/session",
        remedy="`-sess_out` after the answer, then `-sess_in`",
    ),
    Program(
        "lftp",
        "lftp",
        'lftp -c "set ssl:ca-file {cafile}; cat {url}; close; cat {url}"',
        NEVER,
        cure="curl -sS {url} {url}",
        remedy="none",
        notes={
            "untrusted": "lftp verifies the certificate when its request is on its way already:"
            " in `untrusted` the request arrives as often as not.",
        },
    ),
    Program(
        "Chromium",
        "chromium",
        "bash {folder}/browse.sh {url} {cafile} {folder}",
        RESUMES,
    ),
)
