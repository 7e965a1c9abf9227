"""A Modbus TCP server for the tests, by pymodbus. Prints its port, then serves until its input closes.

Unit 1: the twin's meter (150 MW, 480,000,000 Wh) and 16 coils, all set.
Unit 2: an Eastron SDM630 (-1234.5 W, 2.5 kWh).
Unit 3: an SDM630 whose power is not a number.
Unit 4: a device with too few registers.
"""

import asyncio
import struct
import sys

from pymodbus.datastore import (
    ModbusDeviceContext,
    ModbusSequentialDataBlock,
    ModbusServerContext,
    ModbusSparseDataBlock,
)
from pymodbus.server import ModbusTcpServer


def words(fmt, value):
    data = struct.pack(fmt, value)
    return list(struct.unpack(f">{len(data) // 2}H", data))


def device(inputs, coils=None):
    # pymodbus counts a device's registers from 1.
    block = ModbusSparseDataBlock({address + 1: value for address, value in inputs.items()})
    coils = coils or ModbusSequentialDataBlock(1, [False] * 8)
    return ModbusDeviceContext(ir=block, co=coils)


def spread(*parts):
    inputs = {}
    for start, values in parts:
        inputs.update({start + place: value for place, value in enumerate(values)})
    return inputs


def sdm630(watts):
    rest = (0x34, [0] * 22)
    return spread(rest, (0x34, words(">f", watts)), (0x48, words(">f", 2.5)))


async def main():
    devices = {
        1: device(
            spread((0, words(">i", 150_000_000)), (2, words(">Q", 480_000_000))),
            ModbusSequentialDataBlock(1, [True] * 16),
        ),
        2: device(sdm630(-1234.5)),
        3: device(sdm630(float("nan"))),
        4: device(spread((0, [0, 0]))),
    }
    context = ModbusServerContext(devices=devices, single=False)
    server = ModbusTcpServer(context, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    port = server.transport.sockets[0].getsockname()[1]
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.shutdown()


asyncio.run(main())
