"""An SNMP agent for the tests, versions 2c and 3, by pysnmp. Prints its port, then serves until its input closes.

Each line of its first argument is `OID TYPE VALUE`: `i` an Integer32, `g` a Gauge32, `r` an Integer32 that
takes no write. What is written under an OID is read there from then on. `c` is a command, whose VALUE is
`OID:written=state,..`: what is written is carried out, and shows as a state under that other OID.
"""

import asyncio
import sys

from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto.api import v2c
from pysnmp.smi import error, instrum


class Values(instrum.AbstractMibInstrumController):
    """Values by OID; some take no write."""

    def __init__(self, lines):
        self.values, self.fixed, self.commands = {}, set(), {}
        for line in lines:
            oid, kind, value = line.split()
            if kind == "c":
                state, words = value.split(":")
                pairs = (word.split("=") for word in words.split(","))
                self.commands[oid] = state, {int(written): int(shown) for written, shown in pairs}
                self.values[oid] = v2c.Integer32(0)
                continue
            kinds = {"i": v2c.Integer32, "g": v2c.Gauge32, "r": v2c.Integer32}
            self.values[oid] = kinds[kind](int(value))
            if kind == "r":
                self.fixed.add(oid)

    def read_variables(self, *binds, **context):
        return [(oid, self.values.get(str(oid), v2c.NoSuchInstance())) for oid, _ in binds]

    def write_variables(self, *binds, **context):
        for place, (oid, _) in enumerate(binds):
            if str(oid) in self.fixed or str(oid) not in self.values:
                raise error.NotWritableError(name=oid, idx=place)
        for oid, value in binds:
            self.values[str(oid)] = value
            state, shown = self.commands.get(str(oid), (None, {}))
            if int(value) in shown:
                self.values[state] = v2c.Integer32(shown[int(value)])
        return list(binds)


async def main():
    values = Values([line for line in sys.argv[1].splitlines() if line.strip()])
    agent = engine.SnmpEngine()
    transport = udp.UdpAsyncioTransport().open_server_mode(("127.0.0.1", 0))
    config.add_transport(agent, udp.DOMAIN_NAME, transport)
    config.add_v1_system(agent, "area", "s3cret")
    everything = (1, 3, 6)
    config.add_vacm_user(agent, 2, "area", "noAuthNoPriv", everything, everything)
    strong = config.USM_AUTH_HMAC192_SHA256, config.USM_PRIV_CFB256_AES
    for user, auth, priv in [
        ("op", config.USM_AUTH_HMAC96_SHA, config.USM_PRIV_CFB128_AES),
        ("safe", *strong),
    ]:
        config.add_v3_user(agent, user, auth, "authsecret", priv, "privsecret")
        config.add_vacm_user(agent, 3, user, "authPriv", everything, everything)
    served = context.SnmpContext(agent)
    served.unregister_context_name(v2c.OctetString(""))
    served.register_context_name(v2c.OctetString(""), values)
    cmdrsp.GetCommandResponder(agent, served)
    cmdrsp.SetCommandResponder(agent, served)
    while transport.transport is None:
        await asyncio.sleep(0.01)
    print(transport.transport.get_extra_info("sockname")[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    agent.close_dispatcher()


asyncio.run(main())
