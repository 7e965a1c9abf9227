"""Independent clients for the twin's front ends: pyasic for machines, pymodbus for meters and switches.

Reads one JSON request a line and answers each with one JSON line, until its input closes.
"""

import asyncio
import json
import logging
import struct
import sys
import warnings

import pyasic
from pymodbus.client import AsyncModbusTcpClient

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)


async def read(ip):
    """Identifies the machine at this address and reads everything pyasic knows how to read."""
    miner = await pyasic.get_miner(ip)
    if miner is None:
        return {"found": None}
    data = await miner.get_data()
    return {
        "found": type(miner).__name__,
        "make": data.make,
        "model": data.model,
        "firmware": data.fw_ver,
        "api": data.api_ver,
        "mac": data.mac,
        "serial": data.serial_number,
        "hostname": data.hostname,
        "terahashes": float(data.hashrate) if data.hashrate is not None else None,
        "terahashes_expected": float(data.expected_hashrate) if data.expected_hashrate else None,
        "watts": data.wattage,
        "watts_limit": data.wattage_limit,
        "mining": data.is_mining,
        "uptime": data.uptime,
        "fans": [fan.speed for fan in data.fans],
        "boards": [
            {
                "terahashes": float(board.hashrate) if board.hashrate is not None else None,
                "chips": board.chips,
                "chip_temp": board.chip_temp,
                "temp": board.temp,
                "serial": board.serial_number,
                "missing": board.missing,
            }
            for board in data.hashboards
        ],
        "pools": [str(pool.url) for pool in data.pools],
        "errors": [str(error) for error in data.errors],
        "temperature": data.env_temp,
    }


async def identify(ip):
    """Who it takes the machine for, and why it cannot read it, where it cannot."""
    miner = await pyasic.get_miner(ip)
    if miner is None:
        return {"found": None}
    seen = {"found": type(miner).__name__, "model": miner.model, "error": None}
    try:
        await miner.get_data()
    except Exception as error:
        seen["error"] = f"{type(error).__name__}: {error}"
    return seen


async def command(ip, name):
    miner = await pyasic.get_miner(ip)
    if miner is None:
        return {"done": None}
    return {"done": await getattr(miner, name)()}


async def modbus(port, unit, what, address=0, value=None):
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=5)
    await client.connect()
    try:
        if what == "meter":
            reply = await client.read_input_registers(0, count=6, device_id=unit)
            words = struct.pack(">6H", *reply.registers)
            watts, watt_hours = struct.unpack(">iQ", words)
            return {"watts": watts, "watt_hours": watt_hours}
        if what == "write":
            reply = await client.write_coil(address, value, device_id=unit)
            return {"error": reply.isError()}
        if what == "write-many":
            reply = await client.write_coils(address, value, device_id=unit)
            return {"error": reply.isError()}
        reply = await client.read_coils(address, count=value, device_id=unit)
        return {"error": reply.isError(), "coils": [] if reply.isError() else reply.bits[:value]}
    finally:
        client.close()


KNOWN = {"read": read, "identify": identify, "command": command, "modbus": modbus}


async def main():
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        request = json.loads(line)
        act = KNOWN[request.pop("act")]
        print(json.dumps(await act(**request)), flush=True)


asyncio.run(main())
