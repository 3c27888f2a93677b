"""The use cases around sources: what a merchant does with them."""

import json
from datetime import timedelta
from typing import Any

from gateway import rotation
from gateway.audit_log.log import AuditLog
from gateway.webhooks_in import repository
from gateway.webhooks_in.maps_to import MapsTo
from gateway.webhooks_in.models import Source
from gateway.webhooks_in.problems import must_be_able, source_found
from gateway.webhooks_in.rules import Ignored, Unmappable, read, translate
from gateway.webhooks_in.schemas import (
    EventView,
    NewSourceView,
    ReceivedView,
    SecretGiven,
    SourceIn,
    SourcePatch,
    SourceView,
    Trial,
    TrialView,
)
from gateway.webhooks_in.schemes import SCHEMES, Scheme, Secret
from gateway.webhooks_in.sealed import SealedSecrets
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, FieldError, Page, Paging, Unprocessable, invalid


class Sources:
    """Who holds a source's secret can settle orders with it: whoever makes one, changes it or takes its secret must be able
    to do by themselves what it does. Another owner's source does not exist."""

    def __init__(self, kit: Kit, log: AuditLog) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._log = log
        self._secrets = SealedSecrets(kit)

    async def create(self, caller: Caller, wanted: SourceIn) -> NewSourceView:
        """A source with its secret. Raises Forbidden for more than the caller may do, Unprocessable for a scheme that is not
        there, or a secret it can't use.
        """
        must_be_able(caller, wanted.maps_to)
        scheme = _scheme(wanted.scheme)
        secret = _secret_for(scheme, wanted.secret)
        now, source_id = self._clock.now(), new_id("whs")
        row = {
            "id": source_id,
            "owner_id": caller.owner_id,
            "name": wanted.name,
            "scheme": wanted.scheme,
            "secrets": rotation.first(self._secrets.sealed(secret, source_id)),
            "maps_to": _stored(wanted.maps_to),
            "status": "active",
            "created_at": now,
            "changed_at": now,
        }
        async with self._db.write() as tx:
            await repository.insert_source(tx, row)
            await self._log.record(
                tx, caller, "webhook_source.create", source_id, scheme=wanted.scheme, maps_to=row["maps_to"]
            )
            return NewSourceView(**_shown(await self._source(tx, source_id, caller)), secret=_told(scheme, secret))

    async def page(self, caller: Caller, paging: Paging, status: str | None, scheme: str | None) -> Page[SourceView]:
        """The sources that the caller may know of."""
        async with self._db.read() as tx:
            return await repository.page_of_sources(
                tx, caller, status, scheme, paging, lambda row: SourceView(**_shown(row))
            )

    async def read(self, caller: Caller, source_id: str) -> SourceView:
        """One of them. Raises NotFound."""
        async with self._db.read() as tx:
            return SourceView(**_shown(await self._source(tx, source_id, caller)))

    async def change(self, caller: Caller, source_id: str, change: SourcePatch) -> SourceView:
        """Rename, pause or resume, map otherwise. Deliveries that were refused are decided anew when they come again."""
        values: dict[str, Any] = {"changed_at": self._clock.now()}
        if change.name is not None:
            values["name"] = change.name
        if change.maps_to is not None:
            values["maps_to"] = _stored(change.maps_to)
        if change.paused is not None:
            values["status"] = "paused" if change.paused else "active"
        async with self._db.write() as tx:
            row = await self._source(tx, source_id, caller, locked=True)
            must_be_able(caller, MapsTo.model_validate(row.maps_to))
            if change.maps_to is not None:
                must_be_able(caller, change.maps_to)
            await repository.update_source(tx, source_id, values)
            detail = {name: value for name, value in values.items() if name != "changed_at"}
            await self._log.record(tx, caller, "webhook_source.change", source_id, **detail)
            return SourceView(**_shown(await self._source(tx, source_id, caller)))

    async def remove(self, caller: Caller, source_id: str) -> None:
        """Nobody can post to it any more; its secrets are forgotten, what it received stays for its time."""
        values = {"status": "deleted", "secrets": [], "changed_at": self._clock.now()}
        async with self._db.write() as tx:
            await self._source(tx, source_id, caller)
            await repository.update_source(tx, source_id, values)
            await self._log.record(tx, caller, "webhook_source.delete", source_id)

    async def rotate_secret(
        self, caller: Caller, source_id: str, overlap: timedelta, wanted: SecretGiven | None
    ) -> NewSourceView:
        """A new secret; the old one proves deliveries too until the overlap ends."""
        async with self._db.write() as tx:
            row = await self._source(tx, source_id, caller, locked=True)
            must_be_able(caller, MapsTo.model_validate(row.maps_to))
            scheme, now = SCHEMES[row.scheme], self._clock.now()
            secret = _secret_for(scheme, wanted)
            secrets = rotation.rotated(row.secrets, self._secrets.sealed(secret, source_id), now, overlap)
            await repository.update_source(tx, source_id, {"secrets": secrets, "changed_at": now})
            await self._log.record(tx, caller, "webhook_source.rotate_secret", source_id)
            return NewSourceView(**_shown(await self._source(tx, source_id, caller)), secret=_told(scheme, secret))

    async def try_out(self, caller: Caller, source_id: str, trial: Trial) -> TrialView:
        """What a body would become. Nothing is published or stored."""
        async with self._db.read() as tx:
            row = await self._source(tx, source_id, caller)
        maps_to = trial.maps_to or MapsTo.model_validate(row.maps_to)
        try:
            made = translate(maps_to, read(json.dumps(trial.body).encode()))
        except Unmappable as error:
            return TrialView(outcome="refused", code=error.code, detail=error.detail)
        if isinstance(made, Ignored):
            return TrialView(outcome="ignored", code=made.code, detail=made.detail)
        shown = made.model_dump(mode="json", exclude={"owner_id"})
        return TrialView(outcome="accepted", event=EventView(type=made.name, data=shown))

    async def received(
        self, caller: Caller, source_id: str, paging: Paging, outcome: str | None, order_id: str | None
    ) -> Page[ReceivedView]:
        """What came from a source of the caller's."""
        async with self._db.read() as tx:
            await self._source(tx, source_id, caller)
            return await repository.page_of_received(
                tx, source_id, outcome, order_id, paging, ReceivedView.model_validate
            )

    async def _source(self, tx: Transaction, source_id: str, caller: Caller, *, locked: bool = False) -> Source:
        look = repository.lock_source if locked else repository.find_source
        return source_found(await look(tx, source_id, caller))


def _scheme(name: str) -> Scheme:
    scheme = SCHEMES.get(name)
    if scheme is None:
        there = ", ".join(sorted(SCHEMES))
        detail = f"There is no such way of signing here. Use one of: {there}."
        error = FieldError(pointer="#/scheme", code="unsupported_scheme", detail=detail)
        raise Unprocessable("unsupported_scheme", detail, errors=[error], schemes=sorted(SCHEMES))
    return scheme


def _secret_for(scheme: Scheme, wanted: SecretGiven | None) -> Secret:
    if wanted is None:
        made = scheme.new_secret()
        if made is None:
            fields = ", ".join(scheme.fields)
            raise invalid(
                "#/secret", "secret_missing", f"Platforms of this scheme give the secret. Its fields: {fields}."
            )
        return made
    only = scheme.fields[0]
    if isinstance(wanted, str) and len(scheme.fields) > 1:
        fields = ", ".join(scheme.fields)
        raise invalid("#/secret", "unfit_secret", f"A secret of this scheme is an object with the fields {fields}.")
    secret = {only: wanted} if isinstance(wanted, str) else wanted
    try:
        scheme.check_secret(secret)
    except ValueError as error:
        more = " Leave it out to have one made." if scheme.new_secret() else ""
        raise invalid("#/secret", "unfit_secret", f"{error}.{more}") from None
    return secret


def _told(scheme: Scheme, secret: Secret) -> SecretGiven:
    """As its owner writes it: a text where the scheme knows one field only."""
    return secret[scheme.fields[0]] if len(scheme.fields) == 1 else dict(secret)


def _stored(maps_to: MapsTo) -> dict[str, Any]:
    return maps_to.model_dump(mode="json", exclude_defaults=True)


def _shown(row: Source) -> dict[str, Any]:
    shown = {name: getattr(row, name) for name in SourceView.model_fields if name != "url"}
    return shown | {"url": f"/v1/hooks/{row.id}"}
