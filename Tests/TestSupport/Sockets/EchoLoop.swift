import Glibc

/// What the thread of an `EchoServer` does; made and used by that thread alone.
struct EchoLoop {
    /// One connection: what was received and waits to be sent back.
    private struct Connection {
        let socket: SocketDescriptor
        var pending: ArraySlice<UInt8> = []
        var peerFinished = false
    }

    /// What a connection waits for after a turn.
    private enum Turn {
        case waitsToReceive, waitsToSend, over
    }

    private let acceptor: TCPAcceptor
    private var connections: [Connection] = []
    /// The acceptor's entry, then one for each of `connections`, in the same order.
    private var entries: [pollfd] = []
    private var buffer = [UInt8](repeating: 0, count: 65_536)

    init(acceptor: TCPAcceptor) {
        self.acceptor = acceptor
    }

    mutating func run(until stopped: Monitor<Bool>) {
        guard let listening = try? acceptor.number() else { return }
        entries = [pollfd(fd: listening, events: Int16(POLLIN), revents: 0)]
        while !stopped.withLock({ $0 }) {
            // Short turns, so that a stop is noticed.
            guard poll(&entries, nfds_t(entries.count), 100) > 0 else { continue }
            // From the back, so that the last one can take the place of one that is over.
            for index in connections.indices.reversed() where entries[index + 1].revents != 0 {
                switch serve(index) {
                case .waitsToReceive: entries[index + 1].events = Int16(POLLIN)
                case .waitsToSend: entries[index + 1].events = Int16(POLLOUT)
                case .over: remove(index)
                }
            }
            if entries[0].revents != 0 { acceptAll() }
        }
        acceptor.close()
    }

    private mutating func acceptAll() {
        // An error of one accept is not the server's end: the loop comes back for the rest.
        while let socket = try? acceptor.acceptWaiting(), let number = try? socket.number() {
            try? socket.setOption(level: Int32(IPPROTO_TCP), TCP_NODELAY, to: 1)
            connections.append(Connection(socket: socket))
            entries.append(pollfd(fd: number, events: Int16(POLLIN), revents: 0))
        }
    }

    private mutating func remove(_ index: Int) {
        connections.swapAt(index, connections.count - 1)
        entries.swapAt(index + 1, entries.count - 1)
        connections.removeLast()
        entries.removeLast()
    }

    /// Sends back and reads on until one of the two would block.
    private mutating func serve(_ index: Int) -> Turn {
        let number = entries[index + 1].fd
        while true {
            while !connections[index].pending.isEmpty {
                let count = connections[index].pending.withUnsafeBytes {
                    send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                if count >= 0 {
                    connections[index].pending.removeFirst(count)
                } else if errno == EAGAIN {
                    return .waitsToSend
                } else if errno != EINTR {
                    return .over
                }
            }
            // An empty slice would still hold the buffer, and the next receive would have to copy it.
            connections[index].pending = []
            if connections[index].peerFinished { return .over }

            let count = recv(number, &buffer, buffer.count, 0)
            if count > 0 {
                connections[index].pending = buffer[..<count]
            } else if count == 0 {
                connections[index].peerFinished = true
            } else if errno == EAGAIN {
                return .waitsToReceive
            } else if errno != EINTR {
                return .over
            }
        }
    }
}
