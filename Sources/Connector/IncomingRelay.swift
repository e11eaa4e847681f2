import Logging
import NIOCore
import Shared

/// A stream that the listener opened, until its relay runs: reads the header, dials the target, answers, and hands both
/// over.
///
/// What the visitor sends meanwhile stays with the stream, whose window bounds it. Confined to the connection's event loop;
/// the driver holds it as the stream's consumer.
final class IncomingRelay {
    private enum State {
        case readingHeader(IncomingHeader)
        /// `early`: what came behind the header in the same batch.
        case dialing(early: ByteBuffer)
        case over
    }

    private let stream: QUICStreamID
    private let driver: ConnectionDriver
    private let dialer: TargetDialer
    private let entry: RelayLedger.Entry
    private let lateReplies: LateReplies
    private let answers: Bool
    private let logger: Logger
    private var state: State
    /// While a dial is going on, wanted or not.
    private var dialCancellation: DialCancellation?

    /// - Parameter entry: counts the relay until it is over.
    init(
        stream: QUICStreamID,
        driver: ConnectionDriver,
        applicationProtocol: ApplicationProtocol,
        dialer: TargetDialer,
        entry: RelayLedger.Entry,
        lateReplies: LateReplies,
        logger: Logger
    ) {
        self.stream = stream
        self.driver = driver
        self.dialer = dialer
        self.entry = entry
        self.lateReplies = lateReplies
        self.logger = logger
        answers = applicationProtocol == .warp
        state = .readingHeader(IncomingHeader(applicationProtocol))
    }

    /// Turns the relay away: in `warp/1` with a reply, in the original's protocol with a reset.
    ///
    /// - Parameter logged: what our own log says, where it may say more than the listener is told.
    func refuse(_ refusal: RelayRefusal, logged: String? = nil) {
        entry.logRefusal(logged ?? refusal.detail, logger)
        if answers {
            let reply = RelayReply(status: refusal.status, detail: refusal.detail)
            driver.connection.send(Self.encoded(reply), finish: true, on: stream)
        } else {
            driver.connection.resetStream(stream, code: refusal.status.code.rawValue)
        }
        end(refusal.status.code)
    }

    private func take(_ bytes: ByteBuffer, _ header: IncomingHeader) {
        var header = header
        do throws(RelayRefusal) {
            guard let (target, rest) = try header.take(bytes) else {
                driver.connection.consume(bytes.readableBytes, on: stream)
                state = .readingHeader(header)
                return
            }
            driver.connection.consume(bytes.readableBytes - rest.readableBytes, on: stream)
            dial(target, early: rest)
        } catch {
            refuse(error)
        }
    }

    private func dial(_ target: TargetAddress, early: ByteBuffer) {
        let cancellation = DialCancellation()
        dialCancellation = cancellation
        state = .dialing(early: early)
        let dial = dialer.dial(target, on: driver.eventLoop, cancellation: cancellation)
        dial.assumeIsolated().whenComplete { result in
            self.dialCancellation = nil
            guard case .dialing(let early) = self.state else {
                // The visitor left while we dialled.
                self.entry.relayEnded()
                if case .success(let channel) = result { channel.abort() }
                return
            }
            self.state = .over
            switch result {
            case .success(let channel):
                self.startRelay(channel, early)
            case .failure(let error):
                let dialError = error as? TargetDialError ?? .unreachable("\(error)")
                self.refuse(RelayRefusal(dialError.status, dialError.detail), logged: "\(target): \(dialError)")
            }
        }
    }

    private func startRelay(_ channel: any Channel, _ early: ByteBuffer) {
        state = .over
        do {
            let handler = RelayHandler(
                driver: driver,
                stream: stream,
                preface: answers ? Self.encoded(RelayReply(status: .connected)) : nil,
                delaysPreface: true,
                early: early.readableBytes > 0 ? early : nil,
                observer: entry
            )
            try channel.pipeline.syncOperations.addHandler(handler)
            if answers {
                lateReplies.add(handler)
            }
            try channel.syncOptions?.setOption(.autoRead, value: true)
        } catch {
            channel.abort()
            driver.connection.resetStream(stream, code: ApplicationErrorCode.connectionReset.rawValue)
            end(.connectionReset)
        }
    }

    private static func encoded(_ reply: RelayReply) -> ByteBuffer {
        reply.encoded(allocator: ByteBufferAllocator())
    }

    private func end(_ code: ApplicationErrorCode) {
        leave()
        driver.connection.stopReceiving(stream, code: code.rawValue)
        driver.setNeedsDrive()
    }

    // The stream stays with the driver until it is closed, so that a drain waits for what is still on its way. The relay
    // counts until its dial is over, so that dials are bounded as relays are.
    private func leave() {
        state = .over
        if let dialCancellation {
            dialCancellation.cancel()
        } else {
            entry.relayEnded()
        }
    }
}

extension IncomingRelay: StreamConsumer {
    func streamReadable() {
        guard case .readingHeader(let header) = state, let data = driver.connection.receive(from: stream) else {
            return
        }
        state = .over  // lets go of the header, so that its buffer grows in place
        take(data.bytes ?? ByteBuffer(), header)
        if data.isLast, case .readingHeader = state {
            refuse(RelayRefusal(.malformedHeader, "the stream ended within its header"))
        }
    }

    func streamWritable() {}

    func streamReset(code: UInt64) {
        switch state {
        case .readingHeader, .dialing:
            driver.connection.resetStream(stream, code: ApplicationErrorCode.connectionReset.rawValue)
            end(.connectionReset)
        case .over:
            break
        }
    }

    func streamSendingStopped() {}

    func streamClosed(code: UInt64?) {
        leave()
    }

    func connectionClosed() {
        leave()
    }
}

@available(*, unavailable)
extension IncomingRelay: Sendable {}
