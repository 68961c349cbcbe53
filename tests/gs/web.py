# SPDX-License-Identifier: MIT OR Apache-2.0
"""HTTP and HTTPS: identity, serverinfo, the five phases of pairing, apps, launch."""
import datetime
import hashlib
import http.client
import os
import pathlib
import socket
import ssl
import tempfile
import threading
import urllib.parse
import xml.etree.ElementTree as ElementTree

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.x509.oid import NameOID

PATIENCE = 60
HTTPS_BELOW = 5
UNIQUE_ID = "0123456789ABCDEF"  # what every stock client sends


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def ecb(key, data, decrypt=False):
    cipher = Cipher(algorithms.AES(key), modes.ECB())
    work = cipher.decryptor() if decrypt else cipher.encryptor()
    return work.update(data) + work.finalize()


class Identity:
    """RSA key and a certificate without extensions, as stock clients make them."""

    def __init__(self, key=None):
        self.key = key or rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "NVIDIA GameStream Client")])
        start = datetime.datetime(2020, 1, 1)
        self.cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
                     .public_key(self.key.public_key())
                     .serial_number(int.from_bytes(os.urandom(8), "big") | 1)
                     .not_valid_before(start)
                     .not_valid_after(start + datetime.timedelta(days=7300))
                     .sign(self.key, hashes.SHA256()))
        self.pem = self.cert.public_bytes(serialization.Encoding.PEM)
        self.fingerprint = self.cert.fingerprint(hashes.SHA256()).hex()

    def sign(self, data):
        return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())

    def context(self):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        c.check_hostname = False
        c.verify_mode = ssl.CERT_NONE  # pinned by the caller, not by a chain
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "client.pem"
            file.touch(mode=0o600)
            file.write_bytes(self.pem + self.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()))
            c.load_cert_chain(file)
        return c


class Refused(Exception):
    """The host's answer carries another status than 200, or paired 0."""

    def __init__(self, status, message=""):
        super().__init__(f"{status} {message}")
        self.status = status


class Answer:
    def __init__(self, body):
        self.root = ElementTree.fromstring(body)
        assert self.root.tag == "root", body
        self.status = int(self.root.get("status_code"))
        self.message = self.root.get("status_message", "")

    def get(self, name):
        return self.root.findtext(name)

    def __getitem__(self, name):
        text = self.get(name)
        assert text is not None, f"no {name} in {ElementTree.tostring(self.root)}"
        return text


class Web:
    """One client's view of one host."""

    def __init__(self, port, identity=None, address="127.0.0.1"):
        self.address, self.port, self.identity = address, port, identity
        self.host_cert = None  # DER, once paired
        self.tls = identity.context() if identity else None

    def fetch(self, path, secure, **query):
        """The body of the answer, whatever its status says."""
        query = {"uniqueid": UNIQUE_ID, "uuid": os.urandom(16).hex(), **query}
        target = f"/{path}?" + urllib.parse.urlencode(query)
        if secure:
            c = http.client.HTTPSConnection(self.address, self.port - HTTPS_BELOW,
                                            timeout=PATIENCE, context=self.tls)
        else:
            c = http.client.HTTPConnection(self.address, self.port, timeout=PATIENCE)
        try:
            c.connect()
            if secure and self.host_cert:
                assert c.sock.getpeercert(True) == self.host_cert, "another host certificate"
            c.request("GET", target)
            answer = c.getresponse()
            body = answer.read()
            assert answer.status == 200, f"{path}: HTTP status {answer.status}"
            assert int(answer.headers["Content-Length"]) == len(body)
            return body
        finally:
            c.close()

    def ask(self, path, secure=True, **query):
        return Answer(self.fetch(path, secure, **query))

    def get(self, path, secure=True, **query):
        """As ask(), but another status than 200 raises."""
        answer = self.ask(path, secure, **query)
        if answer.status != 200:
            raise Refused(answer.status, answer.message)
        return answer

    # ---- pairing ----

    def pair(self, pin, typed, **spoil):
        """All five phases. `typed` is called without arguments, on a thread of its own,
        once the first request is out: the operator types the PIN there. `spoil` replaces
        what a phase sends."""
        salt = os.urandom(16)
        operator = threading.Thread(target=typed, daemon=True)
        operator.start()
        first = self.phase("getservercert", salt=salt.hex(), clientcert=self.identity.pem.hex())
        host_pem = bytes.fromhex(first["plaincert"])
        host = x509.load_pem_x509_certificate(host_pem)
        key = sha256(salt, pin.encode())[:16]

        challenge = os.urandom(16)
        answer = self.phase("clientchallenge", ecb(key, spoil.get("challenge", challenge)).hex())
        plain = ecb(key, bytes.fromhex(answer["challengeresponse"]), decrypt=True)
        host_hash, host_challenge = plain[:32], plain[32:48]
        assert len(plain) == 48

        secret = os.urandom(16)
        commitment = sha256(host_challenge, self.identity.cert.signature, secret)
        answer = self.phase("serverchallengeresp",
                            ecb(key, spoil.get("commitment", commitment)).hex())
        signed = bytes.fromhex(answer["pairingsecret"])
        host_secret, signature = signed[:16], signed[16:]
        host.public_key().verify(signature, host_secret, padding.PKCS1v15(), hashes.SHA256())
        knew = host_hash == sha256(challenge, host.signature, host_secret)

        self.phase("clientpairingsecret",
                   (secret + spoil.get("signature", self.identity.sign(secret))).hex())
        self.host_cert = host.public_bytes(serialization.Encoding.DER)
        answer = self.get("pair", True, devicename="roth", updateState=1, phrase="pairchallenge")
        assert answer["paired"] == "1"
        operator.join(PATIENCE)
        assert knew, "the host did not know the PIN"

    def phase(self, name, hexed=None, **query):
        """One phase over HTTP; `name` is the phrase or the argument that marks it."""
        if hexed is None:
            query["phrase"] = name
        else:
            query[name] = hexed
        answer = self.get("pair", False, devicename="roth", updateState=1, **query)
        if answer["paired"] != "1":
            raise Refused(200, "paired 0")
        return answer

    # ---- apps and sessions ----

    def info(self, secure=True):
        return self.get("serverinfo", secure)

    def apps(self):
        """Title to id."""
        root = self.get("applist").root
        assert [e.tag for e in root] == ["App"] * len(root)
        return {e.findtext("AppTitle"): int(e.findtext("ID")) for e in root}

    def launch(self, mode="1280x720x60", resume=False, app=1, key=None, key_id=None, **query):
        """(session URL, key, key id). `query` adds or replaces arguments; None leaves
        one out."""
        key = key or os.urandom(16)
        if key_id is None:
            key_id = int.from_bytes(os.urandom(4), "big", signed=True)
        verb = "resume" if resume else "launch"
        args = {"appid": app, "mode": mode, "additionalStates": 1, "sops": 1, "rikey": key.hex(),
                "rikeyid": key_id, "localAudioPlayMode": 0, "surroundAudioInfo": 196610,
                "remoteControllersBitmap": 0, "gcmap": 0, "gcpersist": 0, "corever": 1, **query}
        answer = self.get(verb, **{k: v for k, v in args.items() if v is not None})
        assert answer["resume" if resume else "gamesession"] == "1"
        return answer["sessionUrl0"], key, key_id

    def cancel(self):
        answer = self.get("cancel")
        assert answer["cancel"] == "1"


def raw(address, port, data, seconds):
    """What a bare TCP connection hears within `seconds`; None when it still stands."""
    heard = b""
    with socket.create_connection((address, port), timeout=seconds) as s:
        s.sendall(data)
        try:
            while True:
                piece = s.recv(65536)
                if not piece:
                    return heard
                heard += piece
        except ConnectionResetError:
            return heard
        except TimeoutError:
            return None
