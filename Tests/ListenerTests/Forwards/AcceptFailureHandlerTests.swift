import Glibc
import Logging
import NIOCore
import NIOEmbedded
import Shared
import TestSupport
import Testing

@testable import Listener

@Suite("AcceptFailureHandler", .timeLimit(.minutes(1)))
struct AcceptFailureHandlerTests {
    @Test func episodeIsWarnedAboutOnceAndTheNextOneAgain() throws {
        let recorder = LogRecorder()
        let channel = EmbeddedChannel(handler: AcceptFailureHandler(logger: recorder.logger()))
        let error = IOError(errnoCode: EMFILE, reason: "accept")
        for _ in 0..<5 {
            channel.pipeline.fireErrorCaught(error)
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        }
        #expect(recorder.lines(at: .warning).count == 1)
        #expect(recorder.lines(at: .warning).first?.metadata[LogKeys.error] == "Too many open files (os error 24)")
        #expect(recorder.lines(at: .debug).count == 4)

        channel.embeddedEventLoop.advanceTime(by: AcceptFailureHandler.quietPeriod)
        channel.pipeline.fireErrorCaught(error)
        #expect(recorder.lines(at: .warning).count == 2)
        #expect(throws: IOError.self) { try channel.throwIfErrorCaught() }
    }

    @Test func portSurvivesTheExhaustionOfFileDescriptors() async {
        // In a process of its own: the limit is the process's.
        await #expect(processExitsWith: .success) {
            try await DescriptorExhaustion.run()
        }
    }
}

/// Runs a forward out of file descriptors, and back.
private enum DescriptorExhaustion {
    private static let limit: rlim_t = 256
    private static let visits = 3

    static func run() async throws {
        let recorder = LogRecorder()
        let fixture = try ForwardFixture(recorder: recorder)
        let forward = try await fixture.table.open(try fixture.request())
        // What the client needs is taken before there is nothing left.
        let clients = (0..<visits).map { _ in socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0) }
        let hoard = exhaust()
        #expect(!hoard.isEmpty)
        for client in clients {
            #expect(connect(client, to: forward.port) == 0)
        }

        var failures = 0
        for await line in recorder.stream where line.message.contains("cannot accept visitors") {
            #expect(line.level == (failures == 0 ? .warning : .debug))
            failures += 1
            if failures == 3 { break }
        }
        #expect(failures == 3)
        #expect(await fixture.forwards() == [forward])

        for descriptor in hoard {
            close(descriptor)
        }
        for _ in 0..<visits {
            #expect(await fixture.visitors.next()?.forward == forward)
        }
        // Attempts are 200 ms apart: without a pause there would be thousands.
        #expect(recorder.lines.count < 20)
    }

    /// Opens files until the process may not.
    private static func exhaust() -> [CInt] {
        var limits = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
        limits.rlim_cur = limit
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
        var hoard: [CInt] = []
        while true {
            let descriptor = open("/dev/null", O_RDONLY)
            guard descriptor >= 0 else {
                #expect(errno == EMFILE)
                return hoard
            }
            hoard.append(descriptor)
        }
    }

    private static func connect(_ descriptor: CInt, to port: ForwardPort) -> CInt {
        do {
            return try SocketAddress(ipAddress: "127.0.0.1", port: Int(port.number)).withSockAddr { pointer, length in
                Glibc.connect(descriptor, pointer, socklen_t(length))
            }
        } catch {
            return -1
        }
    }
}
