"""A mail server for tests: aiosmtpd takes messages in and writes each to a file, as a line of JSON.

It says "address=127.0.0.1:PORT" when it listens, and goes away with whoever holds its standard input.
"""

import argparse
import asyncio
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Inbox:
    """Writes messages down, after it has refused some as a busy server does (RFC 5321 §4.2.1: 4yz).

    Takes nothing in for nobody@…, sends nothing on for abroad@…, and takes its time for slow@….
    """

    REFUSALS = {"nobody": "550 5.1.1 no such mailbox", "abroad": "550 5.7.1 relaying denied"}

    def __init__(self, file, refuse, refuse_sender, seconds):
        self.file = file
        self.refuse = refuse
        self.refuse_sender = refuse_sender
        self.seconds = seconds

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.refuse_sender:
            return "553 5.7.1 not your address"
        envelope.mail_from = address
        return "250 2.1.0 ok"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if refusal := self.REFUSALS.get(address.split("@")[0]):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        if self.refuse > 0:
            self.refuse -= 1
            return "451 4.3.2 not now"
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        body = lambda kind: part.get_content() if (part := message.get_body((kind,))) else None
        self.file.write(json.dumps({
            "sender": envelope.mail_from,
            "recipients": envelope.rcpt_tos,
            "hello": session.host_name,
            "encrypted": server.transport.get_extra_info("ssl_object") is not None,
            "login": getattr(session.auth_data, "login", b"").decode() if session.authenticated else None,
            "type": message.get_content_type(),
            "headers": {name.lower(): str(value) for name, value in message.items()},
            "text": body("plain"),
            "html": body("html"),
            "plain_headers": envelope.content.split(b"\r\n\r\n")[0].isascii(),
        }) + "\n")
        self.file.flush()
        if envelope.rcpt_tos[0].startswith("slow@"):
            await asyncio.sleep(self.seconds)
        return "250 2.0.0 taken in"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--file", required=True, help="where messages are written")
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--tls", choices=["always", "starttls"])
    arguments.add_argument("--certificate", help="PEM, with its key in the same file")
    arguments.add_argument("--login", help="user:password, without which nothing is taken in")
    arguments.add_argument("--refuse", type=int, default=0, help="how many messages are refused for now")
    arguments.add_argument("--refuse-sender", action="store_true", help="take nothing in from anybody")
    arguments.add_argument("--seconds", type=float, default=0, help="how long messages to slow@… take")
    options = arguments.parse_args()

    settings, context = {}, None
    if options.tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certificate)
    if options.tls == "starttls":
        settings |= {"tls_context": context, "require_starttls": True}
    if options.login:
        wanted = LoginPassword(*(part.encode() for part in options.login.split(":", 1)))
        # "Not handled" lets aiosmtpd send the answer to credentials that are wrong.
        check = lambda server, session, envelope, mechanism, data: AuthResult(
            success=data == wanted, handled=False, auth_data=data
        )
        # aiosmtpd knows of TLS by STARTTLS only.
        settings |= {"auth_required": True, "auth_require_tls": options.tls == "starttls", "authenticator": check}

    async def serve():
        with open(options.file, "a", encoding="utf-8") as file:
            inbox = Inbox(file, options.refuse, options.refuse_sender, options.seconds)
            loop = asyncio.get_running_loop()
            implicit = context if options.tls == "always" else None
            server = await loop.create_server(lambda: SMTP(inbox, **settings), "127.0.0.1", options.port, ssl=implicit)
            print(f"address=127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
            await loop.run_in_executor(None, sys.stdin.read)
            server.close()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
