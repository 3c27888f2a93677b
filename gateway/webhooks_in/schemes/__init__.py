"""The ways in which partners sign what they send, by name. A new one is one file here and one line in this table."""

from gateway.webhooks_in.schemes.dingtalk import DingTalk
from gateway.webhooks_in.schemes.douyin import Douyin
from gateway.webhooks_in.schemes.douyin_open import DouyinOpen
from gateway.webhooks_in.schemes.github import GitHub
from gateway.webhooks_in.schemes.jd import JD
from gateway.webhooks_in.schemes.pdd import Pinduoduo
from gateway.webhooks_in.schemes.port import Answer, Posted, Proven, Scheme, Secret, Told
from gateway.webhooks_in.schemes.standard import Standard
from gateway.webhooks_in.schemes.taobao import Taobao
from gateway.webhooks_in.schemes.wechat import WeChat
from gateway.webhooks_in.schemes.wechat_pay import WeChatPay
from gateway.webhooks_in.schemes.wecom import WeCom

SCHEMES: dict[str, Scheme] = {
    "standard": Standard(),
    "github": GitHub(),
    "taobao": Taobao(),
    "jd": JD(),
    "pdd": Pinduoduo(),
    "douyin": Douyin(),
    "douyin_open": DouyinOpen(),
    "wechat": WeChat(),
    "wecom": WeCom(),
    "dingtalk": DingTalk(),
    "wechat_pay": WeChatPay(),
}

__all__ = ["SCHEMES", "Answer", "Posted", "Proven", "Scheme", "Secret", "Told"]
