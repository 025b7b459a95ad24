"""Serves SMTP for tests; see scripts/mail-server.

The part of the address before the @ says what happens:

    refused@   550, for good
    busy-N@    451 for the first N attempts, then taken
    slow@      nothing for a minute
    drop-N@    the connection is cut in the middle of the mail, N times, then taken
    login@     taken; with a login, the file says whose

Every mail that is taken becomes FOLDER/NUMBER.json, as Python's own mail parser understands it.
"""

import asyncio
import collections
import email
import email.policy
import json
import logging
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

FOLDER = pathlib.Path(sys.argv[1])
TLS = "--tls" in sys.argv[2:]

# It warns about an attribute that it sets itself.
logging.getLogger("mail.log").setLevel(logging.ERROR)


def parsed(raw):
    message = email.message_from_bytes(raw, policy=email.policy.default)
    bodies = {kind: message.get_body([kind]) for kind in ("plain", "html")}
    return {
        "headers": {name.lower(): str(value) for name, value in message.items()},
        "defects": [str(defect) for part in message.walk() for defect in part.defects],
        "kind": message.get_content_type(),
        "text": bodies["plain"] and bodies["plain"].get_content(),
        "html": bodies["html"] and bodies["html"].get_content(),
    }


class Behaviour:
    def __init__(self):
        self.attempts = collections.Counter()
        self.taken = 0

    def _count(self, address):
        """Which attempt this is for an address like busy-2@…, and how many are to fail."""
        name, _, number = address.partition("@")[0].rpartition("-")
        self.attempts[address] += 1
        return name, self.attempts[address], int(number) if number.isdigit() else 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.partition("@")[0]
        if name == "refused":
            return f"550 5.1.1 <{address}>: Recipient address rejected: User unknown"
        if name.startswith("busy-"):
            _, attempt, failing = self._count(address)
            if attempt <= failing:
                return "451 4.3.0 Temporary lookup failure"
        if name == "slow":
            await asyncio.sleep(60)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        address = envelope.rcpt_tos[0]
        if address.startswith("drop-"):
            _, attempt, failing = self._count(address)
            if attempt <= failing:
                server.transport.abort()
                return "421 gone"
        self.taken += 1
        mail = {
            "envelope_from": envelope.mail_from,
            "envelope_to": envelope.rcpt_tos,
            "protected": bool(session.ssl),
            "login": session.auth_data,
            **parsed(envelope.original_content),
        }
        part = FOLDER / f"{self.taken}.part"
        part.write_text(json.dumps(mail))
        part.rename(FOLDER / f"{self.taken}.json")
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and data.password == b"mail-password"
    return AuthResult(success=right, handled=right, auth_data=data.login.decode() if right else None)


async def main():
    context = None
    if TLS:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(FOLDER / "certificate.pem", FOLDER / "key.pem")
    behaviour = Behaviour()
    loop = asyncio.get_running_loop()

    def connection():
        return SMTP(
            behaviour,
            hostname="localhost",
            loop=loop,
            tls_context=context,
            require_starttls=TLS,
            authenticator=authenticate,
            auth_require_tls=False,
        )

    server = await loop.create_server(connection, "127.0.0.1", 0)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    # The test that started it holds the other end: when it is gone, so is this server.
    await loop.run_in_executor(None, sys.stdin.buffer.read)


asyncio.run(main())
