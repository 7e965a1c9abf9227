"""A Modbus TCP server for the tests, by pymodbus. Prints its port, then serves until its input closes.

Unit 1: the twin's meter (150 MW, 480,000,000 Wh) and 16 coils, all set.
Unit 2: an Eastron SDM630 (-1234.5 W, 2.5 kWh).
Unit 3: an SDM630 whose power is not a number.
Unit 4: a device with too few registers.
"""

import asyncio
import struct
import sys

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


def words(fmt, value):
    data = struct.pack(fmt, value)
    return list(struct.unpack(f">{len(data) // 2}H", data))


def device(unit, first, inputs, coils=(False,)):
    """A device with input registers from one address on, and coils from 0."""
    return SimDevice(
        unit,
        simdata=(
            [SimData(0, values=list(coils), datatype=DataType.BITS)],
            [SimData(0, values=[False], datatype=DataType.BITS)],
            [SimData(0, values=[0], datatype=DataType.REGISTERS)],
            [SimData(first, values=inputs, datatype=DataType.REGISTERS)],
        ),
    )


def sdm630(unit, watts):
    return device(unit, 0x34, words(">f", watts) + [0] * 18 + words(">f", 2.5))


async def main():
    devices = [
        device(1, 0, words(">i", 150_000_000) + words(">Q", 480_000_000), [True] * 16),
        sdm630(2, -1234.5),
        sdm630(3, float("nan")),
        device(4, 0, [0, 0]),
    ]
    server = ModbusTcpServer(devices, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    port = server.transport.sockets[0].getsockname()[1]
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.shutdown()


asyncio.run(main())
