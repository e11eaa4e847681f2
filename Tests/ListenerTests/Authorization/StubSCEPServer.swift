import NIOCore
import NIOPosix
import Synchronization

/// A SCEP server that answers as a test tells it, down to the bytes.
final class StubSCEPServer: Sendable {
    /// What happens once a whole request has come.
    enum Behaviour: Sendable {
        /// Writes these bytes and, unless `closes`, leaves the connection open.
        case write(String, closes: Bool)
        case closeAbruptly

        /// A complete response.
        static func respond(_ status: String, _ body: String, headers: String = "") -> Behaviour {
            .write("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)", closes: false)
        }

        static let hang = Behaviour.write("", closes: false)
    }

    private let channel: any Channel
    private let log: RequestLog

    /// - Parameter behaviours: One for each request in turn; the last one for all that follow.
    static func start(_ behaviours: [Behaviour]) async throws -> StubSCEPServer {
        let log = RequestLog()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    try child.pipeline.syncOperations.addHandler(Handler(behaviours: behaviours, log: log))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return StubSCEPServer(channel: channel, log: log)
    }

    private init(channel: any Channel, log: RequestLog) {
        self.channel = channel
        self.log = log
    }

    /// The heads of the requests that came.
    var requests: [String] { log.requests.withLock { $0 } }

    var port: Int { channel.localAddress?.port ?? 0 }

    func stop() async throws {
        try await channel.close().get()
    }

    private final class RequestLog: Sendable {
        let requests = Mutex<[String]>([])

        /// - Returns: How many came before.
        func append(_ request: String) -> Int {
            requests.withLock { requests in
                requests.append(request)
                return requests.count - 1
            }
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let behaviours: [Behaviour]
        private let log: RequestLog
        private var received = ""

        init(behaviours: [Behaviour], log: RequestLog) {
            self.behaviours = behaviours
            self.log = log
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received += String(buffer: unwrapInboundIn(data))
            guard received.hasSuffix("\r\n\r\n") else {
                return
            }
            let index = min(log.append(received), behaviours.count - 1)
            received = ""
            switch behaviours[index] {
            case .write(let text, let closes):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
                if closes {
                    context.close(promise: nil)
                }
            case .closeAbruptly:
                context.close(promise: nil)
            }
        }
    }
}
