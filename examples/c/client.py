#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A client of server.c: sends one request and prints the results, or why there are none.

    client.py SOCKET 'f32[2,3]=1,2,3,4,5,6' …      one tensor for each input of the graph; one number stands for all elements
"""
import math
import re
import socket
import struct
import sys

MAGIC = 0x316D6474
DTYPES = ["f32", "f64", "i8", "u8", "i32", "i64"]
LETTERS = "fdbBiq"  # of module struct, in that order


def pack_tensor(text):
    match = re.fullmatch(r"(\w+)\[([\d,]*)\]=(.*)", text)
    if not match or match[1] not in DTYPES:
        sys.exit(f"client: '{text}': write DTYPE[SIZES]=NUMBERS, DTYPE one of {' '.join(DTYPES)}")
    dtype = DTYPES.index(match[1])
    shape = [int(size) for size in match[2].split(",") if size]
    values = [float(value) if dtype < 2 else int(value) for value in match[3].split(",")]
    values = values * math.prod(shape) if len(values) == 1 else values
    data = struct.pack(f"<{len(values)}{LETTERS[dtype]}", *values)
    return struct.pack(f"<II{len(shape)}q", dtype, len(shape), *shape) + data + bytes(-len(data) % 8)


def unpack_tensors(body):
    at = 0
    while at < len(body):
        dtype, n_dims = struct.unpack_from("<II", body, at)
        shape = struct.unpack_from(f"<{n_dims}q", body, at + 8)
        n = math.prod(shape)
        values = struct.unpack_from(f"<{n}{LETTERS[dtype]}", body, at + 8 + 8 * n_dims)
        at += 8 + 8 * n_dims + (struct.calcsize(f"<{n}{LETTERS[dtype]}") + 7) // 8 * 8
        yield DTYPES[dtype], shape, values


def receive(connection, n):
    data = b""
    while len(data) < n:
        more = connection.recv(n - len(data))
        if not more:
            sys.exit("client: the server hung up")
        data += more
    return data


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    body = b"".join(pack_tensor(text) for text in sys.argv[2:])
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(sys.argv[1])
        connection.sendall(struct.pack("<IIII", MAGIC, 1, len(sys.argv) - 2, len(body)) + body)
        _, _, status, n = struct.unpack("<IIII", receive(connection, 16))
        body = receive(connection, n)
    if status:
        sys.exit(f"client: {body.decode()}")
    for dtype, shape, values in unpack_tensors(body):
        print(f"{dtype}[{','.join(map(str, shape))}]=" + ",".join(f"{value:.9g}" for value in values))


main()
