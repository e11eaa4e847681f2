// swift-tools-version:6.2
import PackageDescription

// A package of its own, so that the product never depends on it. `package` access ends at a package's border: the sources
// that are measured are therefore compiled here once more, by symbolic links to the product's folders.

let house: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]
let houseC: [CSetting] = [.enableWarning("all"), .treatAllWarnings(as: .error)]

// As the product's.
let unchecked: [SwiftSetting] = [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

// As the product's.
let wrappedCalls: LinkerSetting = .unsafeFlags(
    ["ngtcp2_balloc_init", "ngtcp2_log_pkt_lost", "ngtcp2_unreachable_fail", "__assert_fail"].flatMap {
        ["-Xlinker", "--wrap=\($0)"]
    }
)

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
// As the product's.
let boringSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let package = Package(
    name: "socket-warp-benchmarks",
    products: [
        .executable(name: "idle-sessions", targets: ["IdleSessions"]),
        .executable(name: "joined-connections", targets: ["JoinedConnections"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", .upToNextMinor(from: "2.37.6")),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .target(
            name: "CQuic",
            dependencies: [boringSSL],
            cSettings: houseC,
            linkerSettings: [
                .linkedLibrary(":libngtcp2_crypto_gnutls.a"), .linkedLibrary(":libngtcp2.a"),
                .linkedLibrary("gnutls"), .linkedLibrary("crypto"), wrappedCalls,
            ]
        ),
        .target(
            name: "CDatagram",
            cSettings: houseC
        ),
        .target(
            name: "CMemory",
            cSettings: houseC
        ),
        .target(
            name: "CScheduling",
            cSettings: houseC
        ),
        .target(
            name: "CAllocations",
            cSettings: houseC
        ),
        .target(
            name: "Shared",
            dependencies: [
                "CQuic", "CDatagram", "CMemory", "CScheduling", nioCore, nioPosix, logging, serviceLifecycle,
            ],
            swiftSettings: house + unchecked
        ),
        .target(
            name: "TestSupport",
            dependencies: ["Shared", nioCore, nioPosix, logging],
            swiftSettings: house
        ),
        .executableTarget(
            name: "IdleSessions",
            dependencies: ["Shared", "TestSupport", nioCore, nioPosix, argumentParser],
            swiftSettings: house
        ),
        .executableTarget(
            name: "JoinedConnections",
            dependencies: ["CAllocations", "Shared", "TestSupport", nioCore, argumentParser],
            swiftSettings: house
        ),
    ]
)
