"""The product as it is deployed: nginx with a certificate, two web processes, PostgreSQL, Redis."""

import datetime as dt
import re
import subprocess
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from tests.stories.product import ROOT, Product

NGINX_CONF = ROOT / "deploy" / "nginx.conf"
METRICS_TOKEN = "a token of the monitoring"
AROUND = """
daemon off;
master_process on;
user {user};
pid {folder}/nginx.pid;
error_log {folder}/logs/nginx-start.log warn;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/unused;
    uwsgi_temp_path {folder}/unused;
    scgi_temp_path {folder}/unused;
    include {folder}/site.conf;
}}
"""


@dataclass(kw_only=True)
class Site(Product):
    """Ports: nginx's with and without TLS, and one for each web process."""

    plain_port: int
    node_ports: tuple[int, int]
    nginx: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def origin(self) -> str:
        return f"https://localhost:{self.port}"

    def environment(self) -> dict[str, str]:
        return super().environment() | {
            "SECURECHAT_ENVIRONMENT": "production",
            "SECURECHAT_SECRET_KEY_FILE": str(self.folder / "secret.key"),
            "SECURECHAT_METRICS_TOKEN": METRICS_TOKEN,
            "SECURECHAT_LOG_FORMAT": "json",
        }

    def start(self) -> None:
        self.logs.mkdir(parents=True)
        (self.folder / "secret.key").write_bytes(b"only for this test, 32 bytes long")
        (self.folder / "secret.key").chmod(0o600)
        self.manage("prepare")
        for number, port in enumerate(self.node_ports):
            self.start_process(f"web-{number}", "serve", "--port", str(port))
        self.start_nginx()

    def start_nginx(self) -> None:
        make_certificate(self.folder)
        (self.folder / "site.conf").write_text(self.site())
        configuration = self.folder / "nginx.conf"
        configuration.write_text(AROUND.format(user="root", folder=self.folder))
        self.nginx = subprocess.Popen(["nginx", "-p", str(self.folder), "-c", str(configuration)])

    def site(self) -> str:
        """The configuration that is delivered, with these ports and files."""
        text = NGINX_CONF.read_text()
        for old, new in (
            ("127.0.0.1:8001", f"127.0.0.1:{self.node_ports[0]}"),
            ("127.0.0.1:8002", f"127.0.0.1:{self.node_ports[1]}"),
            ("/etc/ssl/securechat/", f"{self.folder}/"),
            ("/var/log/nginx/", f"{self.logs}/"),
            ("chat.example.org", "localhost"),
        ):
            assert old in text
            text = text.replace(old, new)
        text = re.sub(r"listen 80;", f"listen 127.0.0.1:{self.plain_port};", text)
        text = re.sub(r"listen 443 ", f"listen 127.0.0.1:{self.port} ", text)
        return re.sub(r"\n *listen \[::\]:[^\n]*", "", text)

    def stop(self) -> None:
        if self.nginx is not None:
            self.nginx.terminate()
            self.nginx.wait(15)
        super().stop()


def make_certificate(folder: Path) -> None:
    """Write a certificate for localhost that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "privkey.pem").write_bytes(private)
