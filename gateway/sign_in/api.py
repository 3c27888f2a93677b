"""Signing in, and one's own account 登录与本人账号."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from gateway.accounts.schemas import NewFactorView, RecoveryCodesView
from gateway.cookies import BROWSER_COOKIE, SESSION_COOKIE, drop_cookie, given_cookie, set_cookie
from gateway.sign_in.cache import SESSION, CachedSession
from gateway.sign_in.own_account import OwnAccount
from gateway.sign_in.schemas import (
    CodeIn,
    CredentialsIn,
    FactorConfirmedView,
    LinkIn,
    MeView,
    PasswordIn,
    ProofIn,
    SecondFactorIn,
    SessionsView,
    SignedInView,
)
from gateway.sign_in.sessions import BROWSER_KNOWN, Opening, Visitor
from gateway.sign_in.sign_in import SignIn
from shared.web import Caller, Provided, bucket_of, needs
from shared.web.asgi import header
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1", tags=["sign-in"])
MeRead = Annotated[Caller, Depends(needs("gateway:me:read"))]
MeWrite = Annotated[Caller, Depends(needs("gateway:me:write"))]
Ways = Annotated[SignIn, Provided(SignIn)]
Own = Annotated[OwnAccount, Provided(OwnAccount)]


async def _visitor(request: Request) -> Visitor:
    host_only = _production(request)
    cookies = [given_cookie(request.scope, name, host_only=host_only) for name in (SESSION_COOKIE, BROWSER_COOKIE)]
    browser = request.headers.get("user-agent", "")
    return Visitor(
        bucket_of(header(request.scope, b"x-forwarded-for") or ""), browser if browser.isprintable() else "", *cookies
    )


async def _session(request: Request) -> CachedSession | None:
    found: CachedSession | None = request.scope.get(SESSION)
    return found


Asking = Annotated[Visitor, Depends(_visitor)]
Session = Annotated[CachedSession | None, Depends(_session)]


def _production(request: Request) -> bool:
    return bool(request.app.state.service.kit.settings.environment == "production")


def _kept(request: Request, response: Response, opening: Opening) -> SignedInView:
    """Hand the session to the browser. Pages that came by https, and all in production, get cookies that only https sends."""
    secure = _production(request) or request.headers.get("origin", "").startswith("https://")
    set_cookie(response, SESSION_COOKIE, opening.token, opening.life, secure=secure)
    if opening.known is not None:
        set_cookie(response, BROWSER_COOKIE, opening.known, BROWSER_KNOWN, secure=secure)
    response.headers["cache-control"] = "no-store"
    status = "signed_in" if opening.stage == "full" else "second_factor_needed"
    return SignedInView(status=status, csrf_token=opening.csrf)


@router.post(
    "/sign-in",
    summary="Sign in",
    openapi_extra=chinese("登录", "提交密码。应答设置会话 Cookie；启用双因素的人接着提交动态码。"),
)
async def sign_in(
    ways: Ways, body: CredentialsIn, visitor: Asking, request: Request, response: Response
) -> SignedInView:
    """Show a password. The answer sets the session's cookie; who has a second factor shows that next."""
    return _kept(request, response, await ways.with_password(visitor, body.login, body.password))


@router.post(
    "/sign-in/second-factor",
    summary="Show the second factor",
    openapi_extra=chinese("提交双因素", "验证器应用的动态码，或一个恢复码，各只能用一次。须在提交密码后十分钟内。"),
)
async def show_second_factor(
    ways: Ways, body: SecondFactorIn, visitor: Asking, request: Request, response: Response
) -> SignedInView:
    """The code of the authenticator app, or a recovery code. Each is good once. Ten minutes after the password at most."""
    return _kept(request, response, await ways.with_second_factor(visitor, body))


@router.post(
    "/sign-in/link",
    summary="Choose a password by a one-time link",
    openapi_extra=chinese("用一次性链接设置密码", "用于受邀、忘记密码或成为首位管理员的人。链接只能用一次。"),
)
async def use_link(ways: Ways, body: LinkIn, visitor: Asking, request: Request, response: Response) -> SignedInView:
    """For who was invited, forgot the password, or becomes the first administrator. The link is good once."""
    return _kept(request, response, await ways.with_link(visitor, body))


@router.post(
    "/sign-out", status_code=204, summary="Sign out", openapi_extra=chinese("退出登录", "结束本浏览器的会话（如有）。")
)
async def sign_out(ways: Ways, visitor: Asking, response: Response) -> None:
    """End this browser's session, if it has one."""
    await ways.out(visitor)
    drop_cookie(response, SESSION_COOKIE)


@router.get(
    "/me", summary="Read who calls", openapi_extra=chinese("读取当前身份", "已登录的操作员或密钥，以及其权限。")
)
async def get_me(caller: MeRead, own: Own, session: Session, response: Response) -> MeView:
    """The operator who is signed in, or the key; and what they may do."""
    response.headers["cache-control"] = "no-store"
    return await own.me(caller, session)


@router.put(
    "/me/password",
    summary="Change one's password",
    openapi_extra=chinese("修改本人密码", "其他会话全部结束，本浏览器得到新会话。"),
)
async def change_password(
    caller: MeWrite, own: Own, body: PasswordIn, visitor: Asking, request: Request, response: Response
) -> SignedInView:
    """Every other session ends; this browser gets a new one."""
    opening = await own.change_password(caller, visitor, body.current, body.password)
    return _kept(request, response, opening)


@router.post(
    "/me/second-factor",
    status_code=201,
    summary="Begin to set up a second factor",
    openapi_extra=chinese("开始设置双因素", "返回给验证器应用的密钥，确认后生效。"),
)
async def begin_second_factor(caller: MeWrite, own: Own, body: ProofIn, response: Response) -> NewFactorView:
    """A secret for an authenticator app. It counts once it is confirmed."""
    response.headers["cache-control"] = "no-store"
    return await own.begin_second_factor(caller, body.password)


@router.post(
    "/me/second-factor/confirm",
    summary="Confirm the second factor",
    openapi_extra=chinese("确认双因素", "用一个动态码使其生效。其他会话结束；应答含十个恢复码，只出现这一次。"),
)
async def confirm_second_factor(
    caller: MeWrite, own: Own, body: CodeIn, visitor: Asking, request: Request, response: Response
) -> FactorConfirmedView:
    """Put it in force with a code. Other sessions end; the answer holds ten recovery codes, once."""
    opening, codes = await own.confirm_second_factor(caller, visitor, body.code)
    return FactorConfirmedView(**_kept(request, response, opening).model_dump(), recovery_codes=codes)


@router.post(
    "/me/second-factor/remove",
    summary="Remove the second factor",
    openapi_extra=chinese("关闭双因素", "若未要求所有人使用。其他会话结束。"),
)
async def remove_second_factor(
    caller: MeWrite, own: Own, body: ProofIn, visitor: Asking, request: Request, response: Response
) -> SignedInView:
    """Unless one is required of everybody. Other sessions end."""
    return _kept(request, response, await own.remove_second_factor(caller, visitor, body.password))


@router.post(
    "/me/recovery-codes",
    status_code=201,
    summary="Make new recovery codes",
    openapi_extra=chinese("重新生成恢复码", "十个新的恢复码，旧的随即失效。"),
)
async def make_recovery_codes(caller: MeWrite, own: Own, body: ProofIn, response: Response) -> RecoveryCodesView:
    """Ten fresh ones; those before are no good any more."""
    response.headers["cache-control"] = "no-store"
    return RecoveryCodesView(recovery_codes=await own.new_recovery_codes(caller, body.password))


@router.get(
    "/me/sessions", summary="List one's sessions", openapi_extra=chinese("列出本人会话", "已登录的浏览器，新的在前。")
)
async def list_my_sessions(caller: MeRead, own: Own, session: Session) -> SessionsView:
    """The browsers in which one is signed in, newest first."""
    return SessionsView(data=await own.sessions(caller, session))


@router.post(
    "/me/sessions/end-others",
    summary="End one's other sessions",
    openapi_extra=chinese("结束其他会话", "除本浏览器外全部退出。"),
)
async def end_other_sessions(
    caller: MeWrite, own: Own, visitor: Asking, request: Request, response: Response
) -> SignedInView:
    """Sign out everywhere but here."""
    return _kept(request, response, await own.end_others(caller, visitor))


@router.delete(
    "/me/sessions/{session_id}",
    status_code=204,
    summary="End one of one's sessions",
    openapi_extra=chinese("结束某个会话", "让一个浏览器退出。"),
)
async def end_session(caller: MeWrite, own: Own, session_id: str) -> None:
    """Sign out one browser."""
    await own.end_session(caller, session_id)
