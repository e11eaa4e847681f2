// swift-tools-version:6.2
import PackageDescription

let house: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]
let houseC: [CSetting] = [.enableWarning("all"), .treatAllWarnings(as: .error)]

// The data path's state is confined to event loops, and tests run with the checks.
let unchecked: [SwiftSetting] = [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

// libngtcp2 is linked in, not loaded: so calls within it can be led to functions of CQuic's, __wrap_….
let wrappedCalls: LinkerSetting = .unsafeFlags(
    ["ngtcp2_balloc_init", "ngtcp2_log_pkt_lost", "ngtcp2_unreachable_fail", "__assert_fail"].flatMap {
        ["-Xlinker", "--wrap=\($0)"]
    }
)

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
// Only its BoringSSL is used (packet_protection.c). The package has no product for that alone, and may change it with any
// release: hence the narrow range.
let boringSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let package = Package(
    name: "socket-warp",
    products: [
        .executable(name: "sw-listener", targets: ["Listener"]),
        .executable(name: "sw-connector", targets: ["Connector"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", .upToNextMinor(from: "2.37.6")),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
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
            name: "Shared",
            dependencies: [
                "CQuic", "CDatagram", "CMemory", "CScheduling", nioCore, nioPosix, logging, serviceLifecycle,
            ],
            swiftSettings: house + unchecked
        ),
        .executableTarget(
            name: "Listener",
            dependencies: [
                "Shared", nioCore, nioPosix, logging, argumentParser, serviceLifecycle,
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: house + unchecked
        ),
        .executableTarget(
            name: "Connector",
            dependencies: ["Shared", nioCore, nioPosix, logging, argumentParser, serviceLifecycle],
            swiftSettings: house + unchecked
        ),
        .target(
            name: "TestSupport",
            dependencies: ["Shared", nioCore, nioPosix, logging],
            path: "Tests/TestSupport",
            swiftSettings: house
        ),
        .testTarget(
            name: "SharedTests",
            dependencies: [
                "Shared", "TestSupport", nioCore, nioPosix, logging, serviceLifecycle,
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "ListenerTests",
            dependencies: [
                "Listener", "Shared", "TestSupport", nioCore, nioPosix, logging,
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "ConnectorTests",
            dependencies: ["Connector", "Shared", "TestSupport", nioCore, nioPosix, logging],
            swiftSettings: house
        ),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["TestSupport", nioCore, nioPosix],
            swiftSettings: house
        ),
    ]
)
