"""A mail server (aiosmtpd) that prints its port, then each letter that it takes as one JSON line, until stdin ends."""

import email
import email.policy
import json
import sys

from aiosmtpd.controller import Controller


class Sink:
    async def handle_DATA(self, server, session, envelope):
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        told = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "subject": letter["subject"],
            "mime": letter["mime-version"],
            "charset": letter.get_content_charset(),
            "text": letter.get_content(),
        }
        print(json.dumps(told), flush=True)
        return "250 OK"


class OwnPort(Controller):
    """The system chooses the port; the controller connects to it once to see that it serves."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


controller = OwnPort(Sink(), hostname="127.0.0.1", port=0)
controller.start()
print(controller.port, flush=True)
sys.stdin.read()
controller.stop()
