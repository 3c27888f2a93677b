"""Operators' accounts 操作员账号, for administrators."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from gateway.accounts.management import Accounts
from gateway.accounts.roles import ROLES, RoleName
from gateway.accounts.schemas import (
    AccountIn,
    AccountPatch,
    AccountView,
    InvitedView,
    LinkView,
    PolicyPatch,
    PolicyView,
    RolesView,
    RoleView,
)
from shared.web import Caller, Page, PageParams, Provided, operator_needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1", tags=["accounts"])
AccountsRead = Annotated[Caller, Depends(operator_needs("gateway:accounts:read"))]
AccountsWrite = Annotated[Caller, Depends(operator_needs("gateway:accounts:write"))]
Managed = Annotated[Accounts, Provided(Accounts)]


@router.post(
    "/accounts",
    status_code=201,
    summary="Invite an operator",
    openapi_extra=chinese("邀请操作员", "创建账号和一次性链接，三天内有效，持有人用它设置密码。"),
)
async def invite_account(caller: AccountsWrite, body: AccountIn, accounts: Managed, response: Response) -> InvitedView:
    """Make an account and a one-time link, good for three days, with which its holder chooses a password."""
    response.headers["cache-control"] = "no-store"
    return await accounts.invite(caller, body)


@router.get("/accounts", summary="List operators", openapi_extra=chinese("列出操作员", "账号，新的在前。"))
async def list_accounts(
    caller: AccountsRead,
    accounts: Managed,
    paging: PageParams,
    role: RoleName | None = None,
    login: Annotated[str | None, Query(max_length=120)] = None,
) -> Page[AccountView]:
    """Accounts, newest first."""
    return await accounts.page(paging, role, login)


@router.get(
    "/accounts/{account_id}",
    summary="Read an operator's account",
    openapi_extra=chinese("读取操作员账号", "一个账号。"),
)
async def get_account(caller: AccountsRead, accounts: Managed, account_id: str) -> AccountView:
    """One account."""
    return await accounts.read(account_id)


@router.patch(
    "/accounts/{account_id}",
    summary="Change an operator's account",
    openapi_extra=chinese(
        "修改操作员账号", "改名、换角色、停用或启用。换角色和停用会结束其会话。最后一名管理员不能去掉。"
    ),
)
async def change_account(caller: AccountsWrite, accounts: Managed, account_id: str, body: AccountPatch) -> AccountView:
    """Another name or role; disable or enable. Sessions end with a new role and when disabled. The last administrator stays."""
    return await accounts.change(caller, account_id, body)


@router.post(
    "/accounts/{account_id}/link",
    status_code=201,
    summary="Give an operator another link",
    openapi_extra=chinese("重新生成一次性链接", "用于邀请已过期或忘记密码的人。此前的链接随即失效。"),
)
async def make_account_link(caller: AccountsWrite, accounts: Managed, account_id: str, response: Response) -> LinkView:
    """For who was invited and let the time pass, or forgot the password. Links before this one are no good any more."""
    response.headers["cache-control"] = "no-store"
    return await accounts.new_link(caller, account_id)


@router.post(
    "/accounts/{account_id}/reset-second-factor",
    summary="Reset an operator's second factor",
    openapi_extra=chinese("重置操作员的双因素", "用于手机和恢复码都丢失的人。请先确认是本人。其会话随即结束。"),
)
async def reset_second_factor(caller: AccountsWrite, accounts: Managed, account_id: str) -> AccountView:
    """For who lost phone and recovery codes. Make sure that it is them who asks. Their sessions end."""
    return await accounts.reset_second_factor(caller, account_id)


@router.get("/roles", summary="List roles", openapi_extra=chinese("列出角色", "每个角色及其权限范围。"))
async def list_roles(caller: AccountsRead) -> RolesView:
    """Each role and the scopes that it has."""
    return RolesView(data=[RoleView(name=name, scopes=list(scopes)) for name, scopes in ROLES.items()])


@router.get(
    "/account-policy",
    summary="Read what holds for all accounts",
    openapi_extra=chinese("读取账号策略", "是否要求所有操作员使用双因素。"),
)
async def get_account_policy(caller: AccountsRead, accounts: Managed) -> PolicyView:
    """Whether every operator needs a second factor."""
    return await accounts.policy()


@router.patch(
    "/account-policy",
    summary="Change what holds for all accounts",
    openapi_extra=chinese("修改账号策略", "开启 `require_second_factor` 后，没有双因素的人只能先去设置。"),
)
async def change_account_policy(caller: AccountsWrite, accounts: Managed, body: PolicyPatch) -> PolicyView:
    """With `require_second_factor`, who has none can do nothing but set one up."""
    return await accounts.change_policy(caller, body)
