/// Why the listener does not admit a connector.
package enum RefusalReason: UInt64, Hashable, Sendable, CaseIterable {
    /// The client UID is in use by another connector, which answers.
    case clientUIDInUse = 1
    /// The authority (SCEP server) refuses the certificate.
    case certificateRefused = 2
    /// The authority could not be asked.
    case admissionUnavailable = 3
    /// The listener's policy; also what a number stands for that we do not know.
    case policy = 4
    /// There is no protocol version that both ends speak.
    case noCommonVersion = 5
    /// The listener is shutting down.
    case shuttingDown = 6

    /// Whether another attempt may succeed without anybody changing anything.
    package var isWorthRetrying: Bool {
        switch self {
        case .clientUIDInUse, .admissionUnavailable, .shuttingDown: true
        case .certificateRefused, .policy, .noCommonVersion: false
        }
    }

    /// The code with which the connection is closed for this reason.
    package var code: ApplicationErrorCode {
        switch self {
        case .clientUIDInUse: .clientUIDInUse
        case .certificateRefused, .policy, .noCommonVersion: .notAdmitted
        case .admissionUnavailable: .admissionUnavailable
        case .shuttingDown: .shuttingDown
        }
    }
}
