"""What a relay with one conversation must answer, in as few lines as say it."""

from dataclasses import dataclass, field
from uuid import UUID

from accounts.errors import DeviceRevoked
from messaging.errors import ConversationNotFound, MessageIdReused, ProposalsPending, StaleEpoch
from messaging.models import Entry
from securechat_sdk.wire.errors import ChatError

Kind = Entry.Kind
Answer = int | type[ChatError]


@dataclass(frozen=True)
class Wish:
    """Something a device hands in to be placed; a commit says whom it adds and removes."""

    kind: Kind
    who: str
    message_id: UUID
    epoch: int
    data: bytes
    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()

    @property
    def id(self) -> tuple[str, UUID]:
        return self.who, self.message_id


@dataclass
class Relay:
    """Its log holds wishes, and a name where the server proposed to remove a revoked device."""

    log: list[Wish | str] = field(default_factory=list)
    epoch: int = 0
    joined: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    leaving: set[str] = field(default_factory=set)
    revoked: set[str] = field(default_factory=set)

    @property
    def members(self) -> set[str]:
        return self.joined.keys() - self.left.keys()

    def revoke(self, who: str) -> Answer:
        self.revoked.add(who)
        if who in self.members - self.leaving:
            self.leaving.add(who)
            self.log.append(who)
        return len(self.log)

    def place(self, wish: Wish) -> Answer:
        if wish.kind == Kind.MESSAGE and wish.who in self.revoked:
            return DeviceRevoked
        if wish.who not in self.members:
            return ConversationNotFound
        for position, line in enumerate(self.log, 1):
            if isinstance(line, Wish) and line.id == wish.id:
                return position if line.data == wish.data else MessageIdReused
        if refusal := self._refusal_now(wish):
            return refusal
        self.log.append(wish)
        self._follow(wish, len(self.log))
        return len(self.log)

    def _refusal_now(self, wish: Wish) -> type[ChatError] | None:
        if wish.epoch != self.epoch:
            return StaleEpoch
        if wish.who in self.revoked:
            return DeviceRevoked
        return ProposalsPending if self._waiting_for(wish) else None

    def _waiting_for(self, wish: Wish) -> set[str]:
        if wish.kind == Kind.COMMIT:
            return self.leaving - wish.removed
        return self.leaving if wish.kind == Kind.MESSAGE else self.leaving & {wish.who}

    def _follow(self, wish: Wish, position: int) -> None:
        if wish.kind == Kind.PROPOSAL:
            self.leaving.add(wish.who)
        if wish.kind == Kind.COMMIT:
            self.epoch += 1
            self.leaving -= wish.removed
            self.left |= dict.fromkeys(wish.removed, position)
            for new in wish.added:
                self.joined[new] = position
                self.left.pop(new, None)
