"""API keys 接口密钥."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from gateway.keys.management import Keys
from gateway.keys.rules import Kind
from gateway.keys.schemas import KeyIn, KeyView, NewKeyView, NewSigningSecretView, RotateIn, SigningSecretIn
from gateway.keys.signing_secrets import SigningSecrets
from shared.web import Caller, ExternalId, Page, PageParams, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/keys", tags=["keys"])
KeysRead = Annotated[Caller, Depends(needs("gateway:keys:read"))]
KeysWrite = Annotated[Caller, Depends(needs("gateway:keys:write"))]
Signing = Annotated[SigningSecrets, Provided(SigningSecrets)]
Managed = Annotated[Keys, Provided(Keys)]


@router.post(
    "",
    status_code=201,
    summary="Create a key",
    openapi_extra=chinese("创建密钥", "密钥只在这次应答中出现；保存的内容无法还原出密钥。"),
)
async def create_key(caller: KeysWrite, body: KeyIn, keys: Managed, response: Response) -> NewKeyView:
    """Make a key. It is shown in this answer only; what is stored can't be turned back into it."""
    response.headers["cache-control"] = "no-store"
    return await keys.create(caller, body)


@router.get("", summary="List keys", openapi_extra=chinese("列出密钥", "密钥，新的在前。"))
async def list_keys(
    caller: KeysRead,
    keys: Managed,
    paging: PageParams,
    kind: Kind | None = None,
    owner_id: Annotated[ExternalId | None, Query(max_length=40)] = None,
) -> Page[KeyView]:
    """Keys, newest first."""
    return await keys.page(caller, paging, kind, owner_id)


@router.get("/{key_id}", summary="Read a key", openapi_extra=chinese("读取密钥", "一个密钥，不含密文。"))
async def get_key(caller: KeysRead, keys: Managed, key_id: str) -> KeyView:
    """One key, without its secret."""
    return await keys.read(caller, key_id)


@router.post(
    "/{key_id}/rotate",
    status_code=201,
    summary="Rotate a key",
    openapi_extra=chinese("轮换密钥", "生成后继密钥。旧密钥在重叠期结束前仍可使用，其应答会带 Deprecation 和 Sunset。"),
)
async def rotate_key(
    caller: KeysWrite, keys: Managed, key_id: str, response: Response, body: RotateIn | None = None
) -> NewKeyView:
    """Make its successor. The old key works to the end of the overlap; its answers then carry Deprecation and Sunset."""
    response.headers["cache-control"] = "no-store"
    overlap = (body or RotateIn()).overlap_seconds
    return await keys.rotate(caller, key_id, timedelta(seconds=overlap))


@router.post(
    "/{key_id}/rotate-signing-secret",
    status_code=201,
    summary="Make or rotate a key's signing secret",
    openapi_extra=chinese(
        "生成或轮换密钥的签名密钥",
        "签名密钥只在这次应答中出现。重叠期内旧的签名密钥仍可使用。`require_signature` 为真后，该密钥的每次调用都必须签名。",
    ),
)
async def rotate_signing_secret(
    caller: KeysWrite, signing: Signing, key_id: str, response: Response, body: SigningSecretIn | None = None
) -> NewSigningSecretView:
    """Make the secret with which a partner signs calls in place of sending the key. It is shown in this answer only.

    The old secret works to the end of the overlap. With `require_signature` the key alone opens nothing any more.
    """
    response.headers["cache-control"] = "no-store"
    return await signing.rotate(caller, key_id, body or SigningSecretIn())


@router.delete(
    "/{key_id}",
    status_code=204,
    summary="Revoke a key",
    openapi_extra=chinese("吊销密钥", "立即吊销，连同用它创建的全部密钥。吊销的密钥仍会列出。"),
)
async def revoke_key(
    caller: KeysWrite,
    keys: Managed,
    key_id: str,
    keep_made: Annotated[
        bool, Query(description="let the keys that were made with it live on; for secret keys only")
    ] = False,
) -> None:
    """Revoke at once, with every key that was made with it. A revoked key stays listed."""
    await keys.revoke(caller, key_id, keep_made=keep_made)
