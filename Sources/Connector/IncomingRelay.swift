import Logging
import NIOCore
import Shared

/// A stream that the listener opened, until its relay runs: reads the header, dials the target and hands both over.
///
/// What the visitor sends meanwhile stays with the stream, whose window bounds it. Confined to the connection's event loop;
/// the driver holds it as the stream's consumer.
final class IncomingRelay {
    private enum State {
        case readingHeader(ByteBuffer)
        /// `early`: what came behind the header in the same batch.
        case dialing(early: ByteBuffer)
        case over
    }

    private let stream: QUICStreamID
    private let driver: ConnectionDriver
    private let dialer: TargetDialer
    private let logger: Logger
    private var state = State.readingHeader(ByteBuffer())

    init(stream: QUICStreamID, driver: ConnectionDriver, dialer: TargetDialer, logger: Logger) {
        self.stream = stream
        self.driver = driver
        self.dialer = dialer
        self.logger = logger
    }

    private func readHeader(_ collected: ByteBuffer, isLast: Bool) {
        var collected = collected
        guard let bytes = collected.readSlice(length: OriginalStreamHeader.byteCount) else {
            state = .readingHeader(collected)
            if isLast {
                refuse(.malformedHeader, "the stream ended within its header")
            }
            return
        }
        driver.connection.consume(OriginalStreamHeader.byteCount, on: stream)
        do throws(OriginalStreamHeaderError) {
            let header = try OriginalStreamHeader(decoding: bytes)
            state = .dialing(early: collected)
            dial(header.target)
        } catch {
            refuse(.malformedHeader, "malformed header: \(error)")
        }
    }

    private func dial(_ target: TargetAddress) {
        dialer.dial(target, on: driver.eventLoop).assumeIsolated().whenComplete { result in
            guard case .dialing(let early) = self.state else {
                // The visitor left while we dialled.
                if case .success(let channel) = result { channel.abort() }
                return
            }
            switch result {
            case .success(let channel):
                self.startRelay(channel, early)
            case .failure(let error):
                let dialError = error as? TargetDialError ?? .unreachable("\(error)")
                self.refuse(dialError.code, "\(target): \(dialError)")
            }
        }
    }

    private func startRelay(_ channel: any Channel, _ early: ByteBuffer) {
        state = .over
        do {
            let handler = RelayHandler(driver: driver, stream: stream, early: early.readableBytes > 0 ? early : nil)
            try channel.pipeline.syncOperations.addHandler(handler)
            try channel.syncOptions?.setOption(.autoRead, value: true)
        } catch {
            channel.abort()
            end(.connectionReset)
        }
    }

    private func refuse(_ code: ApplicationErrorCode, _ reason: String) {
        logger.info("relay refused", metadata: [LogKeys.reason: "\(reason)"])
        end(code)
    }

    private func end(_ code: ApplicationErrorCode) {
        state = .over
        driver.setConsumer(nil, for: stream)
        driver.connection.resetStream(stream, code: code.rawValue)
        driver.connection.stopReceiving(stream, code: code.rawValue)
        driver.setNeedsDrive()
    }
}

extension IncomingRelay: StreamConsumer {
    func streamReadable() {
        guard case .readingHeader(var collected) = state, let data = driver.connection.receive(from: stream) else {
            return
        }
        state = .over  // lets go of the buffer, so that it grows in place
        if var bytes = data.bytes {
            collected.writeBuffer(&bytes)
        }
        readHeader(collected, isLast: data.isLast)
    }

    func streamWritable() {}

    func streamReset(code: UInt64) {
        guard case .over = state else {
            end(.connectionReset)
            return
        }
    }

    func streamSendingStopped() {}

    func streamClosed(code: UInt64?) {
        state = .over
    }

    func connectionClosed() {
        state = .over
    }
}

@available(*, unavailable)
extension IncomingRelay: Sendable {}
