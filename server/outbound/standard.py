"""Standard Webhooks: id, timestamp and signature beside the event's JSON (https://www.standardwebhooks.com)."""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks.webhooks import Webhook as Signer

from server.events.encoding import encode_body
from server.outbound.messages import Answer, Message, Request, Unsendable, Verdict
from server.store.tables import Webhook
from server.store.webhooks import Target

SECRET_BYTES = 32
GONE = 410


def new_secret() -> str:
    """As receivers write it down: `whsec_` and 32 bytes in Base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed(message_id: str, at: datetime, body: bytes, with_secrets: Sequence[str]) -> dict[str, str]:
    """The three headers. While a secret is being changed there is a signature by each of the two."""
    whole = at.replace(microsecond=0)
    signatures = [Signer(secret).sign(message_id, whole, body.decode()) for secret in with_secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(whole.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


class StandardReceiver:
    """See Receiver. 2xx is success, 410 means never again, and everything else is tried again."""

    def request(self, webhook: Webhook, target: Target, message: Message) -> Request | Unsendable:
        body = encode_body(message.id, message.type, message.time, message.source, dict(message.data))
        both = target.previous and webhook.previous_until is not None and message.sent_at < webhook.previous_until
        headers = signed(
            message.id, message.sent_at, body, (target.secret, target.previous) if both else (target.secret,)
        )
        return Request(target.url, {"Content-Type": "application/json", **headers}, body)

    def judge(self, answer: Answer) -> Verdict:
        if answer.taken:
            return Verdict("delivered", "taken")
        if answer.status == GONE:
            return Verdict("gone", "gone")
        return Verdict("again", answer.reason)
