# SPDX-License-Identifier: MIT OR Apache-2.0
"""RTSP: one message per connection, sealed with the session's key."""
import socket
import urllib.parse

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CONTROL_V2, VIDEO, SOUND = 1, 2, 4  # encryption bits
SEALED = 0x80000000


class RtspError(Exception):
    def __init__(self, status):
        super().__init__(f"RTSP status {status}")
        self.status = status


class Reply:
    def __init__(self, text):
        head, _, self.payload = text.partition("\r\n\r\n")
        lines = head.split("\r\n")
        version, status, phrase = lines[0].split(" ", 2)
        assert version == "RTSP/1.0" and phrase, lines[0]
        assert len(lines) > 1, "clients want at least one header"
        self.status = int(status)
        # Clients compare names exactly and want one blank after the colon.
        self.headers = dict(line.split(": ", 1) for line in lines[1:])


class Rtsp:
    def __init__(self, url, key, patience=60):
        u = urllib.parse.urlsplit(url)
        assert u.scheme in ("rtsp", "rtspenc"), url
        self.url, self.address, self.port = url, u.hostname, u.port
        self.aead = AESGCM(key) if u.scheme == "rtspenc" else None
        self.sent = self.heard = 0  # sequence numbers
        self.cseq, self.patience = 0, patience
        self.session = None

    def seal(self, text):
        self.sent += 1
        iv = self.sent.to_bytes(4, "little") + bytes(6) + b"CR"
        sealed = self.aead.encrypt(iv, text, None)
        return ((SEALED | len(text)).to_bytes(4, "big") + self.sent.to_bytes(4, "big")
                + sealed[-16:] + sealed[:-16])

    def open(self, data):
        length = int.from_bytes(data[:4], "big")
        assert length & SEALED, f"a plain answer: {data[:60]}"
        number = int.from_bytes(data[4:8], "big")
        assert number > self.heard, "the host's sequence went back"
        self.heard = number
        assert len(data) == 24 + (length & ~SEALED), "bytes after the message"
        iv = number.to_bytes(4, "little") + bytes(6) + b"HR"
        return self.aead.decrypt(iv, data[24:] + data[8:24], None)

    def exchange(self, data):
        """Sends bytes as they are; all the host says until it closes."""
        with socket.create_connection((self.address, self.port), timeout=self.patience) as s:
            s.sendall(data)
            heard = b""
            try:
                while piece := s.recv(65536):
                    heard += piece
            except ConnectionResetError:
                pass
            return heard

    def text(self, verb, target, payload="", **headers):
        self.cseq += 1
        lines = [f"{verb} {target} RTSP/1.0", f"CSeq: {self.cseq}", "X-GS-ClientVersion: 14",
                 f"Host: {self.address}"]
        if self.session:
            lines.append(f"Session: {self.session}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if payload:
            lines += ["Content-type: application/sdp", f"Content-length: {len(payload)}"]
        return ("\r\n".join(lines) + "\r\n\r\n" + payload).encode()

    def ask(self, verb, target, payload="", **headers):
        """The reply, whatever its status."""
        text = self.text(verb, target, payload, **headers)
        heard = self.exchange(self.seal(text) if self.aead else text)
        if not heard:
            raise ConnectionError(f"no answer to {verb}")
        if self.aead:
            try:
                heard = self.open(heard)
            except InvalidTag as e:
                raise ConnectionError("an answer with a bad tag") from e
        reply = Reply(heard.decode())
        assert reply.headers.get("CSeq") == str(self.cseq), reply.headers
        return reply

    def request(self, verb, target, payload="", **headers):
        reply = self.ask(verb, target, payload, **headers)
        if reply.status != 200:
            raise RtspError(reply.status)
        return reply

    def set_up(self, stream):
        r = self.request("SETUP", f"streamid={stream}",
                         Transport="unicast;X-GS-ClientPort=50000-50001",
                         If_Modified_Since="Thu, 01 Jan 1970 00:00:00 GMT")
        if stream.startswith("audio"):
            self.session = r.headers["Session"].split(";")[0]
        port = int(r.headers["Transport"].split("server_port=")[1].split("-")[0])
        return port, r.headers

    def describe(self):
        self.request("OPTIONS", self.url)
        return self.request("DESCRIBE", self.url, Accept="application/sdp").payload

    def streams(self):
        """SETUP of all three: ports by name, the ping payload, the connect data."""
        ports = {}
        ports["audio"], headers = self.set_up("audio/0/0")
        ping = headers["X-SS-Ping-Payload"].encode()
        ports["video"], headers = self.set_up("video/0/0")
        video_ping = headers["X-SS-Ping-Payload"].encode()
        assert len(ping) == len(video_ping) == 16
        ports["control"], headers = self.set_up("control/13/0")
        return ports, {"audio": ping, "video": video_ping}, int(headers["X-SS-Connect-Data"], 0)

    def announce(self, attributes):
        """The attributes of §3.5; None leaves one out."""
        sdp = f"v=0\r\no=android 0 14 IN IPv4 {self.address}\r\ns=NVIDIA Streaming Client\r\n"
        sdp += "".join(f"a={k}:{v} \r\n" for k, v in attributes.items() if v is not None)
        sdp += "t=0 0\r\nm=video 47998  \r\n"
        return self.request("ANNOUNCE", "streamid=control/13/0", sdp)

    def play(self):
        self.request("PLAY", "/")


def attributes(width=1280, height=720, fps=60, kbps=10000, packet=1392, encryption=CONTROL_V2,
               channels=2, high=0, duration=5, minimum_parity=2, **more):
    """What a stock client announces; `more` adds to it or replaces."""
    masks = {2: 3, 6: 63, 8: 1599}
    if encryption & VIDEO:
        packet -= 32
    return {
        "x-ml-general.featureFlags": 3,
        "x-ss-general.encryptionEnabled": encryption,
        "x-ss-video[0].chromaSamplingType": 0,
        "x-nv-video[0].clientViewportWd": width,
        "x-nv-video[0].clientViewportHt": height,
        "x-nv-video[0].maxFPS": fps,
        "x-nv-video[0].packetSize": packet,
        "x-nv-video[0].rateControlMode": 4,
        "x-nv-video[0].timeoutLengthMs": 7000,
        "x-nv-video[0].framesWithInvalidRefThreshold": 0,
        "x-nv-video[0].initialBitrateKbps": kbps * 8 // 10,
        "x-nv-video[0].initialPeakBitrateKbps": kbps * 8 // 10,
        "x-nv-vqos[0].bw.minimumBitrateKbps": kbps * 8 // 10,
        "x-nv-vqos[0].bw.maximumBitrateKbps": kbps * 8 // 10,
        "x-ml-video.configuredBitrateKbps": kbps,
        "x-nv-vqos[0].fec.enable": 1,
        "x-nv-vqos[0].videoQualityScoreUpdateTime": 5000,
        "x-nv-vqos[0].qosTrafficType": 5,
        "x-nv-aqos.qosTrafficType": 4,
        "x-nv-general.featureFlags": 0x87 | (0x20 if encryption & SOUND else 0),
        "x-nv-general.useReliableUdp": 13,
        "x-nv-vqos[0].fec.minRequiredFecPackets": minimum_parity,
        "x-nv-vqos[0].bllFec.enable": 0,
        "x-nv-vqos[0].drc.enable": 0,
        "x-nv-general.enableRecoveryMode": 0,
        "x-nv-video[0].videoEncoderSlicesPerFrame": 1,
        "x-nv-clientSupportHevc": 0,
        "x-nv-vqos[0].bitStreamFormat": 0,
        "x-nv-video[0].dynamicRangeMode": 0,
        "x-nv-video[0].maxNumReferenceFrames": 1,
        "x-nv-video[0].clientRefreshRateX100": 0,
        "x-nv-video[0].encoderCscMode": 2,
        "x-nv-audio.surround.numChannels": channels,
        "x-nv-audio.surround.channelMask": masks[channels],
        "x-nv-audio.surround.enable": int(channels > 2),
        "x-nv-audio.surround.AudioQuality": high,
        "x-nv-aqos.packetDuration": duration,
        **more,
    }
