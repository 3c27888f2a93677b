"""Vectors of the platforms' documents, and of those who wrote their SDKs (channels-and-partners, §6)."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from kit.platforms import AES_KEY, CHINA, FORM, SIGNERS, TOKEN, Sent, md5_hex, secret_of, sha1, sha1_hex
from kit.platforms import hmac_hex as mac

from gateway.webhooks_in.pointers import found
from gateway.webhooks_in.schemes import SCHEMES, Posted
from gateway.webhooks_in.schemes.envelope import opened
from shared.webhooks import SignatureInvalid

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def test_the_vector_of_top() -> None:
    """channels-and-partners §6, by MD5; the other two ways by Python's hmac."""
    form = {
        "method": "taobao.skus.quantity.update",
        "app_key": "12345678",
        "session": "6100e23f",
        "timestamp": "2026-11-22 12:00:00",
        "format": "json",
        "v": "2.0",
        "sign_method": "md5",
        "num_iid": "3838293428",
        "skuid_quantities": "1230005:3;1230006:0",
        "type": "1",
        "sign": "C8576913B57BF5DDCD80A9132227FC20",
    }
    secret = {"app_secret": "helloworld"}
    for method, how in (("md5", ""), ("hmac", "md5"), ("hmac-sha256", "sha256")):
        one = form | {"sign_method": method}
        text = "".join(key + one[key] for key in sorted(one) if key != "sign")
        one["sign"] = mac("helloworld", text, how) if how else one["sign"]
        (told,) = SCHEMES["taobao"].prove([secret], Sent(FORM, {}, one).delivery, NOW).told
        assert told.delivery_id == one["sign"]
    with pytest.raises(SignatureInvalid, match="sign_method"):
        SCHEMES["taobao"].prove([secret], Sent(FORM, {}, form | {"sign_method": "none"}).delivery, NOW)


def test_taobao_signs_named_headers_and_a_body_that_is_no_form() -> None:
    secret = {"app_secret": "helloworld"}
    body = "<request><orderCode>单1</orderCode></request>".encode()
    query = {"method": "taobao.qimen.x", "timestamp": f"{NOW.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"}
    headers = {"top-sign-list": "X-Shop", "x-shop": "s1", "content-type": "text/xml"}
    text = "".join(key + value for key, value in sorted((query | {"X-Shop": "s1"}).items()))
    query["sign"] = md5_hex(b"helloworld" + text.encode() + body + b"helloworld").upper()
    proven = SCHEMES["taobao"].prove([secret], Sent(headers, query, raw=body).delivery, NOW)
    assert json.loads(proven.told[0].body)["body"] == {"orderCode": "单1"}
    answer = SCHEMES["taobao"].answer(proven, NOW)
    assert answer is not None
    assert b"<flag>success</flag>" in answer.body
    with pytest.raises(SignatureInvalid):
        SCHEMES["taobao"].prove([secret], Sent(headers | {"x-shop": "s2"}, query, raw=body).delivery, NOW)


def test_the_vector_of_jd() -> None:
    form = {
        "method": "jingdong.ware.stock.sku.set",
        "app_key": "A1B2C3",
        "access_token": "tok",
        "timestamp": "2026-11-22 12:00:00.000+0800",
        "v": "2.0",
        "360buy_param_json": '{"req":{"stockRfId":"v42","skuStocks":[{"skuId":100012043978,"storeId":0,"stockNum":7}]}}',
        "sign": "552862D91CF553246FB5C78407D1D617",
        "sign_method": "md5",
    }
    (told,) = SCHEMES["jd"].prove([{"app_secret": "jd-secret"}], Sent(FORM, {}, form).delivery, NOW).told
    assert found(json.loads(told.body), "/360buy_param_json/req/skuStocks/0/skuId") == 100012043978
    assert "sign_method" not in json.loads(told.body), "it is not signed, so nothing reads it"


def test_the_vector_of_pinduoduo() -> None:
    at = datetime.fromtimestamp(1795320000, UTC)
    form = {
        "type": "pdd.goods.quantity.update",
        "client_id": "c1d2e3",
        "access_token": "tok",
        "timestamp": "1795320000",
        "data_type": "JSON",
        "goods_id": "44622906858",
        "sku_id": "1038459",
        "quantity": "12",
        "update_type": "1",
        "sign": "34E76FB72C9DCD5B526BDBB57CC3FFF7",
    }
    assert SCHEMES["pdd"].prove([{"client_secret": "pdd-secret"}], Sent(FORM, {}, form).delivery, at)


def test_the_vector_of_douyin_and_several_messages_at_once() -> None:
    item = (
        '{"tag":"100","msg_id":"7102030405060708090","data":"{\\"p_id\\":4781320682406083640,\\"shop_id\\":1111111}"}'
    )
    headers = {"app-id": "7254364815473821952", "event-sign": "92518ef388374963278c18dfb375bb05"}
    (told,) = SCHEMES["douyin"].prove([secret_of("douyin")], Posted(headers, f"[{item}]".encode()), NOW).told
    assert told.delivery_id == "7102030405060708090"
    assert found(json.loads(told.body), "/data/p_id") == 4781320682406083640
    sign = SIGNERS["douyin"][0]
    two = json.dumps([{"tag": "1", "msg_id": "m1", "data": "{}"}, {"tag": "2", "msg_id": "m2", "data": "{}"}]).encode()
    for raw, ids in ((two, ["m1", "m2"]), (b"[]", [None]), (b"nonsense", [None]), (b'[{"msg_id":""},1]', [None])):
        one = sign(secret_of("douyin"), "", NOW, raw)  # type: ignore[call-arg]
        proven = SCHEMES["douyin"].prove([secret_of("douyin")], one.delivery, NOW)
        assert [told.delivery_id for told in proven.told] == ids or (
            ids == [None] and len(proven.told[0].delivery_id) == 64
        )


def test_douyin_gets_its_challenge_back() -> None:
    body = b'{"event":"verify_webhook","client_key":"","content":{"challenge":12345}}'
    proof = sha1_hex(secret_of("douyin_open")["client_secret"].encode() + body)
    scheme = SCHEMES["douyin_open"]
    answer = scheme.answer(
        scheme.prove([secret_of("douyin_open")], Posted({"x-douyin-signature": proof}, body), NOW), NOW
    )
    assert answer is not None
    assert (answer.status, json.loads(answer.body)) == (200, {"challenge": 12345})


ECHO = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
WECOM = (
    "<xml><ToUserName><![CDATA[wx5823bf96d3bd56c7]]></ToUserName><Encrypt><![CDATA[RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca"
    "6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSk"
    "nmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03"
    "v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g"
    "7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q==]]></Encrypt><AgentID><![CDATA[218]]></AgentID></x"
    "ml>"
)


def test_the_sample_of_wecoms_document() -> None:
    """企业微信 加解密库 sample: the URL check, then a message."""
    secret = {"token": TOKEN, "encoding_aes_key": AES_KEY, "receiver_id": "wx5823bf96d3bd56c7"}
    query = {
        "msg_signature": "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3",
        "timestamp": "1409659589",
        "nonce": "263014780",
    }
    asked = Sent(query=query | {"echostr": ECHO}).delivery
    answer = SCHEMES["wecom"].echo([secret], asked, datetime.fromtimestamp(1409659589, UTC))
    assert (answer.status, answer.body) == (200, b"1616140317555161061")
    query = {
        "msg_signature": "477715d11cdb4164915debcba66cb864d751f3e6",
        "timestamp": "1409659813",
        "nonce": "1372623149",
    }
    one, at = Sent(query=query, raw=WECOM.encode()).delivery, datetime.fromtimestamp(1409659813, UTC)
    proven = SCHEMES["wecom"].prove([secret], one, at)
    message = json.loads(proven.told[0].body)
    assert (message["MsgId"], message["Content"]) == ("4561255354251345929", "hello")
    with pytest.raises(SignatureInvalid, match="another receiver"):
        SCHEMES["wecom"].prove([secret | {"receiver_id": "wx0"}], one, at)


DINGTALK = (
    "1a3NBxmCFwkCJvfoQ7WhJHB+iX3qHPsc9JbaDznE1i03peOk1LaOQoRz3+nlyGNhwmwJ3vDMG+OzrHMeiZI7gTRWVdUBmfxjZ8Ej23JVYa9VrYeJ5as7XM/ZpulX8NEQ"
    "is44w53h1qAgnC3PRzM7Zc/D6Ibr0rgUathB6zRHP8PYrfgnNOS9PhSBdHlegK+AGGanfwjXuQ9+0pZcy0w9lQ=="
)


def test_the_sample_of_dingtalks_document() -> None:
    """钉钉 回调接口本地调试方案: the check of a new URL, which wants its random text back."""
    key = "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij"
    secret = {"token": "123456", "encoding_aes_key": key, "receiver_id": "suite4xxxxxxxxxxxxxxx"}
    query = {"signature": "5a65ceeef9aab2d149439f82dc191dd6c5cbe2c0", "timestamp": "1445827045067", "nonce": "nEXhMP4r"}
    at, scheme = datetime.fromtimestamp(1445827045, UTC), SCHEMES["dingtalk"]
    proven = scheme.prove([secret], Sent(query=query, raw=json.dumps({"encrypt": DINGTALK}).encode()).delivery, at)
    answer = scheme.answer(proven, at)
    assert answer is not None
    told = json.loads(answer.body)
    assert opened(secret, secret["receiver_id"], told["encrypt"]) == b"LPIdSnlF"
    assert told["timeStamp"] == "1445827045000"


def test_wechat_echoes_only_what_is_signed() -> None:
    stamp, scheme = str(int(NOW.timestamp())), SCHEMES["wechat"]
    query = {"timestamp": stamp, "nonce": "n1", "echostr": "4375120948345356249", "signature": sha1(TOKEN, stamp, "n1")}
    assert scheme.echo([secret_of("wechat")], Sent(query=query).delivery, NOW).body == b"4375120948345356249"
    for name in ("timestamp", "nonce", "signature"):
        with pytest.raises(SignatureInvalid):
            scheme.echo([secret_of("wechat")], Sent(query=query | {name: query[name][:-1] + "x"}).delivery, NOW)
    plain = replace(SIGNERS["wechat"][0](secret_of("wechat"), "{}", NOW), raw=b"<xml><MsgType>text</MsgType></xml>")
    with pytest.raises(SignatureInvalid, match="safe mode"):
        scheme.prove([secret_of("wechat")], plain.delivery, NOW)
