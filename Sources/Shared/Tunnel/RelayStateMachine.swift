/// What a relay does next. Several may be due; they are carried out in the order in which they are declared.
package struct RelayActions: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Send the end of the stream.
    package static let finishStream = RelayActions(rawValue: 1 << 0)
    /// Reset the stream's sending part, after what was read has been delivered.
    package static let resetStream = RelayActions(rawValue: 1 << 1)
    /// Ask the peer to stop sending.
    package static let stopReceiving = RelayActions(rawValue: 1 << 2)
    /// Send FIN on the TCP connection.
    package static let shutdownOutput = RelayActions(rawValue: 1 << 3)
    /// Close the TCP connection as a program does that is done with it.
    package static let closeChannel = RelayActions(rawValue: 1 << 4)
    /// Send RST on the TCP connection, once what was received has been written.
    package static let abortChannel = RelayActions(rawValue: 1 << 5)
}

/// How the ends of the two directions of a relay cross the tunnel: FIN as FIN, RST as RST.
///
/// ```
///   TCP → stream (sending)                       stream → TCP (receiving)
///
///            TCP FIN: finishStream                       end of stream     all written: shutdownOutput
///   open ───────────────────────▶ finished      open ──────────────▶ finishing ────────────▶ finished
///     │                              │            │                      │
///     │ TCP RST: resetStream         │            │ RESET_STREAM: abort  │
///     ▼ peer stopped reading         ▼            ▼ TCP RST: stop        ▼
///   ended ◀──────────────────────────┘          ended ◀──────────────────┘
/// ```
///
/// The two halves are independent, but for RST: TCP has none for one direction, so a reset ends both.
package struct RelayStateMachine: Hashable, Sendable {
    private enum Sending: Hashable, Sendable {
        case open
        case finished
        case ended
    }

    private enum Receiving: Hashable, Sendable {
        case open
        case finishing
        case finished
        case ended
    }

    private var sending = Sending.open
    private var receiving = Receiving.open
    /// Whether the peer's end of the relay was reset, so that ours must not look complete.
    private var peerWasReset = false

    package init() {}

    /// Whether both directions are over: no event changes anything any more.
    package var isOver: Bool {
        sending != .open && (receiving == .finished || receiving == .ended)
    }

    /// Whether bytes from TCP still have somewhere to go.
    package var mayRead: Bool { sending == .open }

    /// Whether bytes from the stream still have somewhere to go.
    package var mayWrite: Bool { receiving == .open }

    /// Whether FIN was sent on the TCP connection.
    package var hasShutDownOutput: Bool { receiving == .finished }

    /// The TCP peer sent FIN.
    package mutating func receivedTCPFinish() -> RelayActions {
        guard sending == .open else { return [] }
        sending = .finished
        return receiving == .finished ? [.finishStream, .closeChannel] : .finishStream
    }

    /// The TCP connection was reset or failed.
    package mutating func receivedTCPReset() -> RelayActions {
        guard !isOver else { return [] }  // our own close of the channel, as a rule
        var actions: RelayActions = []
        switch sending {
        case .open, .finished:
            sending = .ended
            actions.insert(.resetStream)
        case .ended:
            break
        }
        switch receiving {
        case .open, .finishing:
            receiving = .ended
            actions.insert(.stopReceiving)
        case .finished, .ended:
            break
        }
        return actions
    }

    /// The stream ended, and all of its bytes have been handed over.
    package mutating func receivedStreamFinish() {
        guard receiving == .open else { return }
        receiving = .finishing
    }

    /// TCP has taken everything that was received.
    package mutating func wroteEverything() -> RelayActions {
        guard receiving == .finishing else { return [] }
        receiving = .finished
        switch sending {
        case .open: return .shutdownOutput
        case .finished: return .closeChannel
        case .ended: return peerWasReset ? .abortChannel : .closeChannel
        }
    }

    /// The peer reset its sending part.
    package mutating func receivedStreamReset() -> RelayActions {
        switch receiving {
        case .open, .finishing:
            receiving = .ended
        case .finished, .ended:
            return []
        }
        switch sending {
        case .open, .finished:
            sending = .ended
            return [.resetStream, .abortChannel]
        case .ended:
            return .abortChannel
        }
    }

    /// The peer stopped reading; or, with the stream over on both sides, it turned out that it had.
    ///
    /// - Parameter wasReset: whether the peer's TCP connection was reset, rather than closed by a program that was done.
    package mutating func sendingWasStopped(wasReset: Bool) -> RelayActions {
        guard !isOver, sending == .open || (sending == .finished && wasReset) else { return [] }
        sending = .ended
        peerWasReset = wasReset
        switch receiving {
        case .open, .finishing: return []
        case .finished: return wasReset ? .abortChannel : .closeChannel
        case .ended: return []
        }
    }

    /// Nothing more will happen on the stream.
    ///
    /// - Parameter wasReset: whether it ended with the code of a reset TCP connection.
    package mutating func streamClosed(wasReset: Bool) -> RelayActions {
        if receiving == .open {
            // Neither end nor reset came: what arrived cannot be told from a part of it.
            receiving = .ended
            sending = .ended
            return .abortChannel
        }
        return sendingWasStopped(wasReset: wasReset)
    }

    /// The session or the forward is gone.
    package mutating func cut() -> RelayActions {
        guard !isOver else { return [] }
        var actions: RelayActions = .abortChannel
        if sending != .ended {
            actions.insert(.resetStream)
        }
        if receiving == .open {
            actions.insert(.stopReceiving)
        }
        sending = .ended
        receiving = .ended
        return actions
    }
}
