import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import NIOPosix
import Shared
import TestSupport
import Testing

@testable import Listener

@Suite("APIService", .timeLimit(.minutes(1)))
struct APIServiceTests {
    private func service(_ fixture: ForwardFixture, at address: SocketAddress, logger: Logger) -> APIService {
        APIService(
            forwards: fixture.table,
            sessions: { [] },
            address: address,
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: logger
        )
    }

    @Test func realAddressIsLoggedAndAnswers() async throws {
        let recorder = LogRecorder()
        let loopback = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        let service = service(try ForwardFixture(), at: loopback, logger: recorder.logger())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            let line = try #require(await recorder.stream.first { $0.message == "control API listening" })
            guard case .string(let address) = line.metadata[LogKeys.apiAddress] else {
                Issue.record("\(line)")
                return
            }
            let target = try TargetAddress(legacyText: address)
            let client = TestClient(
                host: target.host,
                port: Int(target.port),
                eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton)
            )
            client.connect()
            let response = try await client.get("/list")
            #expect(response.status == .ok)
            try await client.shutdown()
            group.cancelAll()
        }
    }

    @Test func addressThatCannotBeHadIsNamedBySetting() async throws {
        let foreign = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(host: "127.0.0.1", port: 0).get()
        let taken = try #require(foreign.localAddress)
        let fixture = try ForwardFixture()
        let logger = LogRecorder().logger()

        let inUse = await #expect(throws: SettingError.self) {
            try await service(fixture, at: taken, logger: logger).run()
        }
        #expect(inUse?.setting == "APIS_PORT")
        #expect(inUse?.value == "\(taken.port ?? 0)")
        #expect(inUse?.problem == "is in use on 127.0.0.1")

        let elsewhere = try SocketAddress(ipAddress: "192.0.2.1", port: 0)
        let unavailable = await #expect(throws: SettingError.self) {
            try await service(fixture, at: elsewhere, logger: logger).run()
        }
        #expect(unavailable?.setting == "APIS_ADDRS")
        #expect(unavailable?.value == "192.0.2.1")
        try await foreign.close().get()
    }
}
