import Glibc
import NIOCore
import Shared
import Testing

@testable import Listener

@Suite("ForwardError")
struct ForwardErrorTests {
    private let port = ForwardPort(80)

    private func error(_ code: CInt) throws -> ForwardError {
        ForwardError(
            IOError(errnoCode: code, reason: "bind"),
            port: port,
            address: try SocketAddress(ipAddress: "192.0.2.1", port: 80)
        )
    }

    @Test func codesOfTheSystemAreToldApart() throws {
        #expect(try error(EADDRINUSE) == .portInUse(port, cause: "Address already in use (os error 98)"))
        #expect(try error(EACCES) == .portForbidden(port, cause: "Permission denied (os error 13)"))
        #expect(try error(EMFILE) == .outOfResources(port, cause: "Too many open files (os error 24)"))
        #expect(try error(EINVAL) == .cannotListen(port, cause: "Invalid argument (os error 22)"))
        guard case .addressUnavailable("192.0.2.1", _) = try error(EADDRNOTAVAIL) else {
            Issue.record("\(try error(EADDRNOTAVAIL))")
            return
        }
    }

    @Test func textsNamePortAndCause() throws {
        #expect(
            "\(try error(EADDRINUSE))"
                == "Failed to create TcpListener: port 80: Address already in use (os error 98)"
        )
        #expect("\(ForwardError.notFound(port))" == "Task 80 not found")
        #expect("\(ForwardError.socketFailed(port))" == "Port 80: its listening socket failed.")
        #expect(
            "\(ForwardError.notStored(port, cause: "disk full"))"
                == "Failed to store port 80, which is closed again: disk full"
        )
        #expect(
            "\(ForwardError.notRemoved(port, cause: "disk full"))"
                == "Failed to remove port 80 from the store, so that it is still open: disk full"
        )
    }
}
