"""How each platform signs what it sends, written from its document, apart from the code that proves it."""

import base64
import hashlib
import hmac
import json
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.webhooks_in.schemes import Posted

FORM = {"content-type": "application/x-www-form-urlencoded;charset=utf-8"}
TOKEN, AES_KEY, NONCE, SERIAL = "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "1372623149", "PUB_KEY_ID_01"
CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Sent:
    """A request of a platform. `form` is its body when it has one."""

    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)
    raw: bytes = b""

    @property
    def body(self) -> bytes:
        return urlencode(self.form).encode() if self.form else self.raw

    @property
    def delivery(self) -> Posted:
        return Posted(self.headers, self.body, list(self.query.items()))


@cache
def platform_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(key: rsa.RSAPrivateKey) -> str:
    shape = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, shape).decode()


def md5_hex(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def sha1_hex(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def wrapped(secret: str, form: dict[str, str], without: tuple[str, ...] = (), more: bytes = b"") -> str:
    text = "".join(name + form[name] for name in sorted(form) if name not in without)
    return md5_hex(secret.encode() + text.encode() + more + secret.encode()).upper()


def taobao(secret: dict[str, str], document: str, at: datetime) -> Sent:
    form = {"topic": "taobao_trade_TradeBuyerPay", "content": document, "app_key": "12345678"}
    query = {"method": "shop.tell", "timestamp": f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"}
    query["sign"] = wrapped(secret["app_secret"], form | query)
    return Sent(FORM, query, form)


def jd(secret: dict[str, str], document: str, at: datetime) -> Sent:
    form = {"method": "m", "app_key": "A1", "360buy_param_json": document, "format": "json", "v": "2.0"}
    form["timestamp"] = f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}.000+0800"
    form["sign"] = wrapped(secret["app_secret"], form, ("format",))
    return Sent(FORM, {}, form)


def pdd(secret: dict[str, str], document: str, at: datetime) -> Sent:
    form = {"type": "pdd_trade_TradeConfirmed", "content": document, "timestamp": str(int(at.timestamp()))}
    form["sign"] = wrapped(secret["client_secret"], form)
    return Sent(FORM, {}, form)


def douyin(secret: dict[str, str], document: str, at: datetime, raw: bytes | None = None) -> Sent:
    message_id = hashlib.sha256(document.encode()).hexdigest()[:19]
    body = raw or json.dumps([{"tag": "101", "msg_id": message_id, "data": document}]).encode()
    proof = md5_hex(secret["app_key"].encode() + body + secret["app_secret"].encode())
    return Sent({"app-id": secret["app_key"], "event-sign": proof}, raw=body)


def douyin_open(secret: dict[str, str], document: str, at: datetime) -> Sent:
    body = json.dumps({"event": "told", "content": document}).encode()
    return Sent({"x-douyin-signature": sha1_hex(secret["client_secret"].encode() + body)}, raw=body)


def sealed(key: str, receiver: str, message: bytes) -> str:
    secret = base64.b64decode(key + "=")
    plain = os.urandom(16) + struct.pack(">I", len(message)) + message + receiver.encode()
    pad = 32 - len(plain) % 32
    cipher = Cipher(algorithms.AES(secret), modes.CBC(secret[:16])).encryptor()
    return base64.b64encode(cipher.update(plain + bytes([pad]) * pad) + cipher.finalize()).decode()


def sha1(*texts: str) -> str:
    return sha1_hex("".join(sorted(texts)).encode())


def _enveloped(secret: dict[str, str], receiver: str, message: bytes, at: datetime) -> tuple[str, dict[str, str]]:
    text, stamp = sealed(secret["encoding_aes_key"], receiver, message), str(int(at.timestamp()))
    return text, {"timestamp": stamp, "nonce": NONCE, "msg_signature": sha1(secret["token"], stamp, NONCE, text)}


def wechat(secret: dict[str, str], document: str, at: datetime) -> Sent:
    text, query = _enveloped(secret, secret["app_id"], document.encode(), at)
    return Sent({}, query, raw=json.dumps({"ToUserName": "gh_1", "Encrypt": text}).encode())


def wecom(secret: dict[str, str], document: str, at: datetime) -> Sent:
    message = f"<xml><MsgType><![CDATA[event]]></MsgType><Told><![CDATA[{document}]]></Told></xml>".encode()
    text, query = _enveloped(secret, secret["receiver_id"], message, at)
    return Sent({}, query, raw=f"<xml><ToUserName>ww1</ToUserName><Encrypt><![CDATA[{text}]]></Encrypt></xml>".encode())


def dingtalk(secret: dict[str, str], document: str, at: datetime) -> Sent:
    text, query = _enveloped(secret, secret["receiver_id"], document.encode(), at)
    return Sent({}, query | {"signature": query["msg_signature"]}, raw=json.dumps({"encrypt": text}).encode())


def wechat_pay(secret: dict[str, str], document: str, at: datetime) -> Sent:
    told = AESGCM(secret["api_v3_key"].encode()).encrypt(b"fdasflkja484", document.encode(), b"transaction")
    resource = {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(told).decode(),
        "associated_data": "transaction",
        "nonce": "fdasflkja484",
    }
    body = json.dumps({"id": "EV-2018022511223320873", "event_type": "TRANSACTION.SUCCESS", "resource": resource})
    stamp = str(int(at.timestamp()))
    content = f"{stamp}\n{NONCE}\n{body}\n".encode()
    proof = platform_key().sign(content, padding.PKCS1v15(), hashes.SHA256())
    headers = {"timestamp": stamp, "nonce": NONCE, "serial": SERIAL, "signature": base64.b64encode(proof).decode()}
    return Sent({f"wechatpay-{name}": value for name, value in headers.items()}, raw=body.encode())


def echo_query(token: str) -> dict[str, str]:
    """What WeChat asks a new URL, now."""
    stamp = str(int(datetime.now(CHINA).timestamp()))
    return {
        "signature": sha1(token, stamp, NONCE),
        "timestamp": stamp,
        "nonce": NONCE,
        "echostr": "4375120948345356249",
    }


Signer = Callable[[dict[str, str], str, datetime], Sent]
SIGNERS: dict[str, tuple[Signer, str]] = {
    "taobao": (taobao, "/content"),
    "jd": (jd, "/360buy_param_json"),
    "pdd": (pdd, "/content"),
    "douyin": (douyin, "/data"),
    "douyin_open": (douyin_open, "/content"),
    "wechat": (wechat, ""),
    "wecom": (wecom, "/Told"),
    "dingtalk": (dingtalk, ""),
    "wechat_pay": (wechat_pay, "/resource"),
}
"""How a platform sends a document, and where a mapping finds it."""


def secret_of(name: str) -> dict[str, str]:
    """A secret of that platform's."""
    envelope = {"token": TOKEN, "encoding_aes_key": AES_KEY}
    return {
        "taobao": {"app_secret": "helloworld-secret"},
        "jd": {"app_secret": "jd-secret-of-an-app"},
        "pdd": {"client_secret": "pdd-secret-of-an-app"},
        "douyin": {"app_key": "7254364815473821952", "app_secret": "0f6bd4e1-1f3a-4e0a-9a3c-2d5d7f0e1a11"},
        "douyin_open": {"client_secret": "open-secret-of-an-app"},
        "wechat": envelope | {"app_id": "wx5823bf96d3bd56c7"},
        "wecom": envelope | {"receiver_id": "ww5823bf96d3bd56c7"},
        "dingtalk": envelope | {"receiver_id": "suite4xxxxxxxxxxxxxxx"},
        "wechat_pay": {"api_v3_key": "0123456789abcdef0123456789ABCDEF", SERIAL: public_pem(platform_key())},
    }[name]


def changed(sent: Sent, place: str, name: str, value: str) -> Sent:
    """The same request with one of its fields otherwise."""
    fields: Any = {**getattr(sent, place), name: value}
    return replace(sent, **{place: fields})


def hmac_hex(key: str, text: str, how: str) -> str:
    return hmac.new(key.encode(), text.encode(), how).hexdigest().upper()
