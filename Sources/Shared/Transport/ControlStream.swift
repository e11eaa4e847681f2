internal import NIOCore

/// Whoever deals with the messages of a control stream. Called on the connection's event loop.
package protocol ControlStreamOwner: AnyObject {
    /// - Throws: ``WarpCodingError`` when the message may not come now: the connection is closed for it.
    func received(_ message: ControlMessage, on stream: ControlStream) throws(WarpCodingError)
}

/// One end of the control stream of `warp/1`: turns bytes into messages and messages into bytes, and ends the connection of
/// a peer that breaks the rules.
///
/// Probes are answered here, as many as an honest peer would send. A peer that does not read the answers is not read any
/// more until it does. Confined to the connection's event loop; the driver holds it as the stream's consumer.
package final class ControlStream {
    /// More probes in a second than anybody has a use for.
    private static let maximumProbesPerSecond = 1000

    private let driver: ConnectionDriver
    private let stream: QUICStreamID
    private weak var owner: (any ControlStreamOwner)?
    private var reader = FrameReader()
    private var isPaused = false
    private var isOver = false
    private var answers = ByteBuffer()
    private var probeSecond = QUICTime(nanoseconds: 0)
    private var probesInSecond = 0

    /// Becomes the stream's consumer.
    ///
    /// - Parameter stream: an open stream of `driver`'s connection.
    package init(_ stream: QUICStreamID, of driver: ConnectionDriver, owner: any ControlStreamOwner) {
        self.stream = stream
        self.driver = driver
        self.owner = owner
        driver.setConsumer(self, for: stream)
    }

    /// Queues a message; it leaves with the next drive.
    package func send(_ message: ControlMessage) {
        write(message.encoded(allocator: ByteBufferAllocator()))
    }

    /// Whether the peer reads what it is sent: what is not urgent had better wait.
    package var isPeerReading: Bool { !isPaused }

    private func write(_ bytes: ByteBuffer) {
        guard !isOver else { return }
        if !driver.connection.send(bytes, finish: false, on: stream) {
            isPaused = true
        }
        driver.setNeedsDrive()
    }

    private func read() {
        guard !isPaused, !isOver, let data = driver.connection.receive(from: stream) else { return }
        do throws(WarpCodingError) {
            if let bytes = data.bytes {
                driver.connection.consume(bytes.readableBytes, on: stream)
                reader.append(bytes)
                try handleMessages()
            }
            if data.isLast {
                throw .controlStreamEnded
            }
        } catch {
            fail(error)
        }
        flushAnswers()
    }

    private func handleMessages() throws(WarpCodingError) {
        while !isOver, let frame = try reader.next() {
            guard let message = try ControlMessage(frame) else { continue }  // of a later version
            if case .probe(let number) = message {
                try countProbe()
                var answer = ControlMessage.probeReply(number).encoded(allocator: ByteBufferAllocator())
                answers.writeBuffer(&answer)
            }
            try owner?.received(message, on: self)
        }
    }

    private func countProbe() throws(WarpCodingError) {
        let now = QUICTime.now()
        if probeSecond + .seconds(1) <= now {
            probeSecond = now
            probesInSecond = 0
        }
        probesInSecond += 1
        guard probesInSecond <= Self.maximumProbesPerSecond else { throw .tooManyProbes }
    }

    // One write for all the probes of a batch.
    private func flushAnswers() {
        guard answers.readableBytes > 0 else { return }
        write(answers)
        answers = ByteBuffer()
    }

    private func fail(_ error: WarpCodingError) {
        isOver = true
        driver.close(.application(ApplicationErrorCode.malformedMessage.rawValue, reason: "control stream: \(error)"))
    }
}

extension ControlStream: StreamConsumer {
    package func streamReadable() {
        read()
    }

    package func streamWritable() {
        isPaused = false
        read()
    }

    package func streamReset(code: UInt64) {
        fail(.controlStreamEnded)
    }

    package func streamSendingStopped() {
        fail(.controlStreamEnded)
    }

    package func streamClosed(code: UInt64?) {
        guard !isOver else { return }
        fail(.controlStreamEnded)
    }

    package func connectionClosed() {
        isOver = true
    }
}

@available(*, unavailable)
extension ControlStream: Sendable {}
