import Glibc

/// A UDP socket that throws datagrams at a listener and counts what comes back.
package final class UDPSocket: Sendable {
    private let socket: SocketDescriptor

    package init(connectingTo endpoint: HostPort) throws {
        let address = try SocketAddress(endpoint)
        socket = try SocketDescriptor(for: address, kind: SOCK_DGRAM)
        let number = try socket.number()
        guard address.withPointer({ connect(number, $0, $1) }) == 0 else {
            throw SocketError.system(call: "connect", errno: errno)
        }
    }

    /// Sends one datagram. It may get lost, as datagrams do; an error that an earlier one caused is passed over.
    package func send(_ datagram: [UInt8]) throws {
        for _ in 0..<2 {
            let count = Glibc.send(try socket.number(), datagram, datagram.count, Int32(MSG_NOSIGNAL))
            if count >= 0 { return }
            if errno == EAGAIN {
                _ = try socket.wait(for: POLLOUT, until: .after(.seconds(1)))
            } else if errno != ECONNREFUSED && errno != EINTR {
                throw SocketError.system(call: "send", errno: errno)
            }
        }
    }

    /// Takes all that has come by now; returns the datagrams' sizes.
    package func receivedByteCounts() throws -> [Int] {
        var counts: [Int] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(try socket.number(), &buffer, buffer.count, 0)
            guard count >= 0 else { return counts }
            counts.append(count)
        }
    }
}
