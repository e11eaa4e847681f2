package import NIOCore

/// One relay: joins a TCP channel with a stream, both on the connection's event loop.
///
/// Bytes go through without a copy where that saves memory, and backpressure is symmetric: TCP is not read while the
/// stream's send buffer is above its high watermark, and the stream's flow-control credit is given back only when TCP has
/// taken the bytes. What the ends of the two directions mean is decided by ``RelayStateMachine``.
///
/// The channel must be one that ``Channel/setAborts(_:)`` was called on, or whose socket has inherited that: until the
/// stream's end has been passed on, no close may look like one, not even that of a process that dies.
///
/// The channel holds the handler, and the driver's table holds it as the stream's consumer, until both are over.
package final class RelayHandler: ChannelDuplexHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    /// How long bytes that arrived before a reset may take to be written, before the reset goes first.
    private static let abortGrace = TimeAmount.seconds(1)

    private let driver: ConnectionDriver
    private let stream: QUICStreamID
    private let observer: (any RelayObserver)?
    private var machine = RelayStateMachine()
    private var context: ChannelHandlerContext?
    private var hasStarted = false
    /// What goes ahead of the channel's bytes on the stream, until it has gone.
    private var preface: ByteBuffer?
    /// Whether the preface waits for the channel's first bytes, or for ``sendPreface()``.
    private let delaysPreface: Bool
    /// Reads the connector's reply to the header, until it has come (`warp/1`).
    private var reply: FrameReader?
    /// Whether the target has been reached, or its failure told.
    private var dialIsSettled = false
    /// Arrived on the stream before the channel did.
    private var early: ByteBuffer?
    private var writes = WriteGatherer()
    /// What SwiftNIO was given to write and has not written yet, in bytes.
    private var queuedBytes = 0
    private var socket: RelaySocket?
    private var isReadPaused = false
    private var isReadWanted = false
    /// Whether the channel's reads have become larger than SwiftNIO's first ones.
    private var readsAdapt = false
    private var isAborting = false
    private var channelFailed = false
    private var abortTimer: Scheduled<Void>?
    /// The code of the reset that a cut or reset relay sends.
    private var resetCode = ApplicationErrorCode.connectionReset

    /// - Parameters:
    ///   - stream: an open stream of `driver`'s connection; the handler becomes its consumer when it joins a channel.
    ///   - preface: goes ahead of the channel's bytes: the header, or the reply to it.
    ///   - delaysPreface: whether the preface waits for the channel's first bytes, so that one datagram carries both;
    ///     the caller sees to it by ``sendPreface()`` that it does not wait for long.
    ///   - early: bytes that were taken from the stream and not consumed yet.
    ///   - awaitsReply: whether a ``RelayReply`` comes ahead of the stream's bytes.
    ///   - observer: keeps count of the relay.
    package init(
        driver: ConnectionDriver,
        stream: QUICStreamID,
        preface: ByteBuffer? = nil,
        delaysPreface: Bool = false,
        early: ByteBuffer? = nil,
        awaitsReply: Bool = false,
        observer: (any RelayObserver)? = nil
    ) {
        self.driver = driver
        self.stream = stream
        self.preface = preface
        self.delaysPreface = delaysPreface
        self.early = early
        self.observer = observer
        reply = awaitsReply ? FrameReader() : nil
    }

    /// Sets the options that a relay's channel must have. Cheaper here than on a bootstrap, which takes a future for each.
    ///
    /// - Throws: `ChannelError` when the channel is closed.
    package static func setOptions(of channel: any Channel) throws {
        try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
        // SwiftNIO would read on when the stream's send buffer is full.
        try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
    }

    /// Ends the stream of a relay that never joined a channel.
    package func abandon() {
        perform(machine.cut())
        observer?.relayEnded()
    }

    /// Sends the preface if it has not gone yet.
    package func sendPreface() {
        guard let bytes = preface else { return }
        preface = nil
        driver.connection.send(bytes, finish: false, on: stream)
        driver.setNeedsDrive()
    }

    // MARK: Channel

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        driver.setConsumer(self, for: stream)
        socket = RelaySocket(context.channel)
        if context.channel.isActive {
            start()
        }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        socket = nil
        observer?.relayEnded()
    }

    package func channelActive(context: ChannelHandlerContext) {
        if !hasStarted {
            startReading(context.channel)
        }
        context.fireChannelActive()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard machine.mayRead else { return }
        let bytes = unwrapInboundIn(data)
        if bytes.writableBytes == 0, !readsAdapt {
            adaptReads(to: bytes.readableBytes, context.channel)
        }
        sendFromChannel(compact(bytes, context))
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        if isReadPaused {
            driver.drive()  // as a rule room is made before SwiftNIO asks whether to read on: no detour by the selector
        } else {
            driver.setNeedsDrive()
        }
    }

    package func read(context: ChannelHandlerContext) {
        if isReadPaused || !machine.mayRead {
            isReadWanted = true
        } else {
            context.read()
        }
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            perform(machine.receivedTCPFinish())
        case is ForwardClosedEvent:
            resetCode = .forwardClosed
            perform(machine.cut())
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        channelFailed = true  // it closes next
    }

    package func channelInactive(context: ChannelHandlerContext) {
        abortTimer?.cancel()
        if machine.hasShutDownOutput && !channelFailed {
            // SwiftNIO makes a close of the second half, and announces no `inputClosed`.
            perform(machine.receivedTCPFinish())
        } else {
            // Whoever is done closes after the machine is over: any other end is a reset.
            perform(machine.receivedTCPReset())
        }
        context.fireChannelInactive()
    }

    // MARK: Private

    // What a client sends as soon as it is connected is there by now, as a rule: it leaves in one datagram with the preface,
    // and a turn of the event loop earlier.
    private func startReading(_ channel: any Channel) {
        do {
            if let bytes = try socket?.takeFirstBytes() {
                sendFromChannel(bytes)
            }
            start()
        } catch {
            channel.abort()
        }
    }

    private func start() {
        hasStarted = true
        if !delaysPreface {
            sendPreface()
        }
        if let bytes = early {
            early = nil
            write(bytes)
        }
        streamReadable()
    }

    private func sendFromChannel(_ bytes: ByteBuffer) {
        sendPreface()
        observer?.relaySent(bytes.readableBytes)
        if !driver.connection.send(bytes, finish: false, on: stream) {
            isReadPaused = true
        }
    }

    private func received(_ bytes: ByteBuffer) {
        if reply != nil {
            readReply(bytes)
        } else if machine.mayWrite {
            write(bytes)
        } else {
            driver.connection.consume(bytes.readableBytes, on: stream)
        }
    }

    // From then on each read has a buffer of its own: not worth it for short requests, which never fill one.
    private func adaptReads(to count: Int, _ channel: any Channel) {
        readsAdapt = true
        do {
            try channel.syncOptions?.setOption(.recvAllocator, value: driver.readAllocator(after: count))
        } catch {
            // The channel is closed: there is nothing more to read.
        }
    }

    // A small read in a large buffer would keep the whole buffer until it is acknowledged.
    private func compact(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) -> ByteBuffer {
        guard bytes.readableBytes < bytes.storageCapacity / 4 else { return bytes }
        var copy = context.channel.allocator.buffer(capacity: bytes.readableBytes)
        copy.writeImmutableBuffer(bytes)
        return copy
    }

    private func write(_ bytes: ByteBuffer) {
        if let piece = writes.add(bytes) {
            writeNow(piece)
        }
    }

    // As a rule the kernel takes everything at once, and nothing needs to be kept until it has.
    private func writeNow(_ bytes: ByteBuffer) {
        guard let context else { return }
        var rest = bytes
        if queuedBytes == 0, let socket {
            let count = socket.write(bytes)
            rest.moveReaderIndex(forwardBy: count)
            if count > 0 {
                wrote(count)
            }
        }
        if rest.readableBytes > 0 {
            queue(rest, context)
        }
    }

    private func queue(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        let count = bytes.readableBytes
        queuedBytes += count
        context.writeAndFlush(wrapOutboundOut(bytes)).assumeIsolated().whenComplete { result in
            self.queuedBytes -= count
            switch result {
            case .success: self.wrote(count)
            case .failure: self.writeFailed(count)
            }
        }
    }

    // MARK: The connector's reply

    private func readReply(_ bytes: ByteBuffer) {
        reply?.append(bytes)
        do throws(WarpCodingError) {
            guard let frame = try reply?.next() else {
                driver.connection.consume(bytes.readableBytes, on: stream)
                return
            }
            let rest = reply?.takeRest() ?? ByteBuffer()
            driver.connection.consume(bytes.readableBytes - rest.readableBytes, on: stream)
            let answer = try RelayReply(frame)
            guard answer.status == .connected else {
                dialFailed(answer.status, answer.detail)
                return
            }
            reply = nil
            dialIsSettled = true
            if rest.readableBytes > 0 {
                received(rest)
            }
        } catch {
            dialFailed(.unreachable, "the connector's reply is malformed: \(error)")
        }
    }

    private func dialFailed(_ status: RelayStatus, _ detail: String) {
        reply = nil
        tellDialFailure(status, detail)
        perform(machine.cut())
    }

    private func tellDialFailure(_ status: RelayStatus, _ detail: String) {
        guard !dialIsSettled else { return }
        dialIsSettled = true
        observer?.relayDialFailed(status, detail: detail)
    }

    // MARK: Writing

    private func wrote(_ count: Int) {
        observer?.relayReceived(count)
        driver.connection.consume(count, on: stream)
        driver.setNeedsDrive()
        if let next = writes.wrote(count) {
            writeNow(next)
        } else if writes.isEmpty {
            wroteEverything()
        }
    }

    // The connection was reset, or we reset it: the channel is closed, and says so after its last write has failed.
    private func writeFailed(_ count: Int) {
        driver.connection.consume(count, on: stream)
        perform(machine.receivedTCPReset())
    }

    private func wroteEverything() {
        if isAborting {
            abortNow()
        } else {
            perform(machine.wroteEverything())
        }
    }

    private func perform(_ actions: RelayActions) {
        guard !actions.isEmpty else { return }
        if !actions.isDisjoint(with: [.finishStream, .resetStream]) {
            sendPreface()
        }
        if actions.contains(.finishStream) {
            driver.connection.send(nil, finish: true, on: stream)
        }
        if actions.contains(.resetStream) {
            driver.connection.resetStreamAfterDelivery(stream, code: resetCode.rawValue)
        }
        if actions.contains(.stopReceiving) {
            driver.connection.stopReceiving(stream, code: resetCode.rawValue)
        }
        if !actions.isDisjoint(with: [.shutdownOutput, .closeChannel]) {
            socket?.setAborts(false)  // from here on a close is the stream's end, passed on
        }
        if actions.contains(.shutdownOutput) {
            context?.close(mode: .output, promise: nil)
        }
        if actions.contains(.closeChannel) {
            context?.close(mode: .all, promise: nil)
        }
        if actions.contains(.abortChannel) {
            abort()
        }
        driver.setNeedsDrive()
    }

    // What arrived before a reset is still delivered, as far as TCP takes it soon.
    private func abort() {
        guard !isAborting else { return }
        isAborting = true
        if writes.isEmpty {
            abortNow()
        } else {
            abortTimer = driver.eventLoop.assumeIsolated().scheduleTask(in: Self.abortGrace) { self.abortNow() }
        }
    }

    private func abortNow() {
        abortTimer?.cancel()
        context?.abort()
    }

    private func resumeReading() {
        isReadPaused = false
        if isReadWanted {
            isReadWanted = false
            context?.read()
        }
    }
}

extension RelayHandler: StreamConsumer {
    package func streamReadable() {
        guard context?.channel.isActive == true, let data = driver.connection.receive(from: stream) else { return }
        if let bytes = data.bytes {
            received(bytes)
        }
        if data.isLast, reply != nil {
            dialFailed(.unreachable, "the connector ended the relay without a reply")
        } else if data.isLast {
            machine.receivedStreamFinish()
            if writes.isEmpty {
                wroteEverything()
            }
        }
    }

    package func streamWritable() {
        resumeReading()
    }

    package func streamReset(code: UInt64) {
        if let status = RelayStatus(code: code) {
            tellDialFailure(status, "")
        }
        perform(machine.receivedStreamReset())
    }

    package func streamSendingStopped() {
        perform(machine.sendingWasStopped(wasReset: false))
    }

    package func streamClosed(code: UInt64?) {
        let wasReset = code.map { $0 != ApplicationErrorCode.noError.rawValue } ?? false
        perform(machine.streamClosed(wasReset: wasReset))
    }

    package func connectionClosed() {
        perform(machine.cut())
    }
}

@available(*, unavailable)
extension RelayHandler: Sendable {}
