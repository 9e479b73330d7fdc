"""What this app refuses."""

from securechat_sdk.wire.errors import (
    Conflict,
    Forbidden,
    Gone,
    InvalidInput,
    NotFound,
    TooManyRequests,
    Unavailable,
    Unprocessable,
)


class CsrfFailed(Forbidden):
    code = "csrf_failed"
    title = "The request did not come from a page of this server."


class SecondFactorRequired(Forbidden):
    code = "second_factor_required"
    title = "This needs a session that passed a second factor."


class DeviceRequired(Forbidden):
    code = "device_required"
    title = "This needs a session or a token of a registered device."


class ReauthenticationRequired(Forbidden):
    code = "reauthentication_required"
    title = "Type your password again first."


class ScopeMissing(Forbidden):
    code = "scope_missing"
    title = "The token may not be used for this."


class DeviceRevoked(Forbidden):
    code = "device_revoked"
    title = "This device was revoked."


class DeviceLimit(Conflict):
    code = "device_limit"
    title = "This account has as many devices as it may have."


class DeviceIdTaken(Conflict):
    code = "device_id_taken"
    title = "This device id or one of its keys is in use; make new ones."


class IdentityKeyDiffers(Conflict):
    code = "identity_key_differs"
    title = "The credential names another identity key than the account has."


class IdentityInUse(Conflict):
    code = "identity_in_use"
    title = (
        "A device of this account is active, so its identity key stays. Use that device; if it is "
        "lost, have an administrator revoke it, then begin anew."
    )


class CredentialInvalid(Unprocessable):
    code = "credential_invalid"
    title = "The device credential does not verify for this account and device."


class ProofInvalid(Unprocessable):
    code = "proof_invalid"
    title = "The signature does not prove that this session sits on this device."


class TooManyTokens(Conflict):
    code = "too_many_tokens"
    title = "This device has as many tokens as it may have; revoke one."


class InvitationNotFound(NotFound):
    code = "invitation_not_found"
    title = "There is no such invitation."


class InvitationExpired(Gone):
    code = "invitation_expired"
    title = "This invitation is no longer valid; ask for a new one."


class InvitationUsed(Gone):
    code = "invitation_used"
    title = "This invitation was used already."


class UsernameTaken(Conflict):
    code = "username_taken"
    title = "Somebody has this user name already."


class PasswordTooWeak(InvalidInput):
    code = "password_too_weak"
    title = "This password is too easy to guess."


class CodeSpent(Conflict):
    code = "code_spent"
    title = "This code was used already; wait for the next."


class TooManyGuesses(TooManyRequests):
    code = "too_many_guesses"
    title = "Too many codes were tried; wait before the next."


class SealBroken(Unavailable):
    code = "seal_broken"
    title = (
        "What the server keeps sealed for you does not open. An administrator has to put the right "
        "secret key in place."
    )
