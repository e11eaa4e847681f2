import NIOCore
import Shared
import TestSupport
import Testing

@testable import Connector

@Suite("ReconnectStateMachine")
struct ReconnectStateMachineTests {
    typealias Action = ReconnectStateMachine.Action

    /// Always gives its largest number: each wait is as long as its ceiling.
    private struct Largest: RandomNumberGenerator {
        mutating func next() -> UInt64 { .max }
    }

    private static let loss = ConnectorFailure.lost(.idleTimeout)
    private static let refusal = ConnectorFailure.turnedAway(.policy, text: "no")

    /// Everything that can happen to a connector. Sessions begin at 10 s and end at 40 s.
    enum Event: Hashable, Sendable, CaseIterable {
        case start, dialFailed, dialFailedForGood, admitted, sessionEnded, sentAway, sessionEndedForGood, waited,
            shutdown

        func apply(to machine: inout ReconnectStateMachine) -> Action {
            var generator = Largest()
            switch self {
            case .start: return machine.start()
            case .dialFailed: return machine.dialFailed(loss, using: &generator)
            case .dialFailedForGood: return machine.dialFailed(refusal, using: &generator)
            case .admitted: return machine.admitted(at: .uptimeNanoseconds(10_000_000_000))
            case .sessionEnded: return ended(&machine, loss, nil, &generator)
            case .sentAway: return ended(&machine, loss, .seconds(1), &generator)
            case .sessionEndedForGood: return ended(&machine, refusal, .seconds(1), &generator)
            case .waited: return machine.waited()
            case .shutdown: return machine.shutdown()
            }
        }

        private func ended(
            _ machine: inout ReconnectStateMachine,
            _ failure: ConnectorFailure,
            _ comeBackAfter: TimeAmount?,
            _ generator: inout Largest
        ) -> Action {
            let now = NIODeadline.uptimeNanoseconds(40_000_000_000)
            return machine.sessionEnded(failure, at: now, comeBackAfter: comeBackAfter, using: &generator)
        }
    }

    enum State: Hashable, Sendable, CaseIterable {
        case idle, dialing, up, waiting, closingAttempt, closingSession, finished, failed

        /// The events that lead there.
        var history: [Event] {
            switch self {
            case .idle: []
            case .dialing: [.start]
            case .up: [.start, .admitted]
            case .waiting: [.start, .dialFailed]
            case .closingAttempt: [.start, .shutdown]
            case .closingSession: [.start, .admitted, .shutdown]
            case .finished: [.start, .admitted, .shutdown, .sessionEnded]
            case .failed: [.start, .dialFailedForGood]
            }
        }

        /// What each event makes it do; what is missing does nothing.
        var answers: [Event: Action] {
            let first = Action.wait(.milliseconds(200))
            let firstAfterAbsence = Action.wait(.milliseconds(1200))
            let fail = Action.fail(ReconnectStateMachineTests.refusal)
            switch self {
            case .idle:
                return [.start: .dial, .shutdown: .finish]
            case .dialing:
                return [
                    .dialFailed: first, .dialFailedForGood: fail, .sessionEnded: first, .sentAway: firstAfterAbsence,
                    .sessionEndedForGood: fail, .shutdown: .close,
                ]
            case .up:
                return [
                    .sessionEnded: first, .sentAway: firstAfterAbsence, .sessionEndedForGood: fail, .shutdown: .close,
                ]
            case .waiting:
                return [.waited: .dial, .shutdown: .finish]
            case .closingAttempt, .closingSession:
                return [
                    .dialFailed: .finish, .dialFailedForGood: .finish, .admitted: .close, .sessionEnded: .finish,
                    .sentAway: .finish, .sessionEndedForGood: .finish,
                ]
            case .finished, .failed:
                return [:]
            }
        }
    }

    static func machine(after history: [Event]) -> ReconnectStateMachine {
        var machine = ReconnectStateMachine()
        for event in history {
            _ = event.apply(to: &machine)
        }
        return machine
    }

    @Test(arguments: State.allCases, Event.allCases)
    func doesWhatTheTableSays(_ state: State, _ event: Event) {
        let before = Self.machine(after: state.history)
        var machine = before
        let action = event.apply(to: &machine)
        #expect(action == state.answers[event] ?? .none)
        if action == .none, !(state == .dialing && event == .admitted) {
            #expect(machine == before, "an event that means nothing changes nothing")
        }
    }

    /// Where each event leads that does something. The states are told apart by what they answer.
    static let transitions: [(State, Event, State)] = [
        (.idle, .start, .dialing), (.idle, .shutdown, .finished),
        (.dialing, .dialFailed, .waiting), (.dialing, .sessionEnded, .waiting), (.dialing, .sentAway, .waiting),
        (.dialing, .admitted, .up), (.dialing, .dialFailedForGood, .failed),
        (.dialing, .sessionEndedForGood, .failed), (.dialing, .shutdown, .closingAttempt),
        (.up, .sessionEnded, .waiting), (.up, .sentAway, .waiting), (.up, .sessionEndedForGood, .failed),
        (.up, .shutdown, .closingSession),
        (.waiting, .waited, .dialing), (.waiting, .shutdown, .finished),
        (.closingAttempt, .dialFailed, .finished), (.closingAttempt, .dialFailedForGood, .finished),
        (.closingAttempt, .admitted, .closingAttempt), (.closingAttempt, .sessionEnded, .finished),
        (.closingAttempt, .sentAway, .finished), (.closingAttempt, .sessionEndedForGood, .finished),
        (.closingSession, .dialFailed, .finished), (.closingSession, .dialFailedForGood, .finished),
        (.closingSession, .admitted, .closingSession), (.closingSession, .sessionEnded, .finished),
        (.closingSession, .sentAway, .finished), (.closingSession, .sessionEndedForGood, .finished),
    ]

    /// The kinds of action that a machine answers the events with; how long it waits aside.
    private func answers(of machine: ReconnectStateMachine) -> [Event: Action] {
        var answers: [Event: Action] = [:]
        for event in Event.allCases {
            var copy = machine
            switch event.apply(to: &copy) {
            case .none: break
            case .wait: answers[event] = .wait(.zero)
            case .dial: answers[event] = .dial
            case .close: answers[event] = .close
            case .finish: answers[event] = .finish
            case .fail(let failure): answers[event] = .fail(failure)
            }
        }
        return answers
    }

    @Test(arguments: transitions)
    func leadsWhereTheTableSays(_ state: State, _ event: Event, _ next: State) {
        var machine = Self.machine(after: state.history)
        _ = event.apply(to: &machine)
        #expect(answers(of: machine) == answers(of: Self.machine(after: next.history)))
    }

    @Test func theTransitionsLeaveNoEventOutThatDoesSomething() {
        for state in State.allCases {
            let listed = Set(Self.transitions.filter { $0.0 == state }.map(\.1))
            let expected = Set(state.answers.keys).union(state == .dialing ? [.admitted] : [])
            #expect(listed == expected, "\(state)")
        }
    }

    // MARK: How long it waits

    @Test func failedDialsWaitLongerAndLongerAndNeverGiveUp() {
        var machine = Self.machine(after: [.start])
        var waits: [Action] = []
        for _ in 0..<1000 {
            waits.append(Event.dialFailed.apply(to: &machine))
            #expect(machine.waited() == .dial)
        }
        let first = [200, 400, 800, 1600, 3200, 6400, 12800, 25600].map { Action.wait(.milliseconds($0)) }
        #expect(waits.prefix(8).elementsEqual(first))
        #expect(waits.dropFirst(8).allSatisfy { $0 == .wait(.seconds(30)) })
    }

    /// Dials, is admitted at 100 s, and loses the session after `lifetime`.
    private func wait(
        afterSessionOf lifetime: TimeAmount,
        failedDials: Int,
        comeBackAfter: TimeAmount? = nil
    ) -> Action {
        let admission = NIODeadline.uptimeNanoseconds(100_000_000_000)
        var machine = Self.machine(after: [.start])
        var generator = Largest()
        for _ in 0..<failedDials {
            _ = machine.dialFailed(Self.loss, using: &generator)
            _ = machine.waited()
        }
        _ = machine.admitted(at: admission)
        let end = admission + lifetime
        return machine.sessionEnded(Self.loss, at: end, comeBackAfter: comeBackAfter, using: &generator)
    }

    /// Failed dials; how long the session lived after them, and the wait after that, in milliseconds.
    static let lifetimes: [(Int, Int64, Int64)] = [
        (0, 0, 200), (0, 1, 200), (1, 0, 400), (1, 200, 400), (1, 201, 200), (3, 800, 1600), (3, 801, 200),
        (20, 30_000, 30_000), (20, 30_001, 200), (20, 1_000_000, 200),
    ]

    @Test(arguments: lifetimes)
    func aSessionThatOutlivedTheWaitBeforeItClearsTheBackoff(failedDials: Int, lifetime: Int64, wait: Int64) {
        let action = self.wait(afterSessionOf: .milliseconds(lifetime), failedDials: failedDials)
        #expect(action == .wait(.milliseconds(wait)))
    }

    @Test func aListenerThatAdmitsAndDropsIsNotHammered() {
        var machine = Self.machine(after: [.start])
        var generator = Largest()
        var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
        var waits: [Action] = []
        for _ in 0..<10 {
            _ = machine.admitted(at: now)
            now = now + .milliseconds(10)
            let action = machine.sessionEnded(Self.loss, at: now, comeBackAfter: nil, using: &generator)
            waits.append(action)
            if case .wait(let time) = action { now = now + time }
            #expect(machine.waited() == .dial)
        }
        #expect(waits.last == .wait(.seconds(30)))
    }

    // `hq-29` has no welcome: what looked like a session of a second was an admission that came to nothing.
    @Test func aRefusalIsNoSessionHoweverLateItComes() {
        var machine = Self.machine(after: [.start])
        var generator = Largest()
        let refusal = ConnectorFailure(
            .peer(.application(ApplicationErrorCode.clientUIDInUse.rawValue, reason: "")),
            handshakeWasComplete: true
        )
        var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
        var waits: [Action] = []
        for _ in 0..<4 {
            _ = machine.admitted(at: now)
            now = now + .seconds(60)
            waits.append(machine.sessionEnded(refusal, at: now, comeBackAfter: nil, using: &generator))
            #expect(machine.waited() == .dial)
        }
        #expect(waits == [200, 400, 800, 1600].map { .wait(.milliseconds($0)) })
    }

    /// What the listener said, and the wait with 200 ms of backoff, in milliseconds.
    static let absences: [(Int64, Int64)] = [
        (0, 200), (1000, 1200), (3_600_000, 3_600_200), (3_600_001, 3_600_200), (.max / 1_000_000, 3_600_200),
        (-1, 200), (.min / 1_000_000, 200),
    ]

    @Test(arguments: absences)
    func goingAwayIsObeyedWithinReason(told: Int64, wait: Int64) {
        let action = self.wait(afterSessionOf: .seconds(1), failedDials: 0, comeBackAfter: .milliseconds(told))
        #expect(action == .wait(.milliseconds(wait)))
    }

    @Test func theWaitIsTheBackoffsOwnAndSoRandom() {
        var backoff = Backoff()
        var generators = (SplitMix64(state: 7), SplitMix64(state: 7))
        var machine = Self.machine(after: [.start])
        for _ in 0..<20 {
            let action = machine.dialFailed(Self.loss, using: &generators.0)
            #expect(action == .wait(backoff.next(using: &generators.1)))
            _ = machine.waited()
        }
    }

    // MARK: What ends it

    @Test func aListenersCertificateIsDoubtedOnlyOnceTheSettingsHaveBeenGood() {
        let unknownCA = CloseFrame.transport(0x100 | 48, reason: "unknown CA")
        let doubt = ConnectorFailure(.local(unknownCA), handshakeWasComplete: false)
        var generator = Largest()
        var fresh = Self.machine(after: [.start])
        #expect(fresh.dialFailed(doubt, using: &generator) == .fail(doubt))
        var retrying = Self.machine(after: [.start, .dialFailed, .waited])
        #expect(retrying.dialFailed(doubt, using: &generator) == .fail(doubt))
        var proven = Self.machine(after: [.start, .admitted, .sessionEnded, .waited])
        #expect(proven.dialFailed(doubt, using: &generator) == .wait(.milliseconds(400)))
    }

    @Test func aCertificateThatIsRefusedLaterEndsTheProgramToo() {
        let expired = CloseFrame.transport(0x100 | 45, reason: "expired")
        let failure = ConnectorFailure(.peer(expired), handshakeWasComplete: true)
        var generator = Largest()
        for history in [[Event.start], [.start, .admitted, .sessionEnded, .waited], [.start, .admitted]] {
            var machine = Self.machine(after: history)
            let action = machine.sessionEnded(failure, at: .now(), comeBackAfter: nil, using: &generator)
            #expect(action == .fail(failure), "\(history)")
        }
    }

    // MARK: Random walks

    /// The connector's surroundings: what the machine's actions have begun.
    private struct World {
        enum Attempt {
            case none, dialing, admitted
        }

        var machine = ReconnectStateMachine()
        var generator: SplitMix64
        var now = NIODeadline.uptimeNanoseconds(1)
        var attempt = Attempt.none
        var timer: TimeAmount?
        var isOver = false
        var isShuttingDown = false
        var history: [String] = []

        mutating func carryOut(_ action: Action, _ event: String) {
            history.append("\(event): \(action)")
            switch action {
            case .none:
                break
            case .dial:
                #expect(attempt == .none && timer == nil && !isOver && !isShuttingDown, "\(history.suffix(10))")
                attempt = .dialing
            case .wait(let time):
                #expect(attempt == .none && timer == nil && !isOver && !isShuttingDown, "\(history.suffix(10))")
                #expect(time >= .zero && time <= ReconnectStateMachine.longestAbsence + .seconds(30))
                timer = time
            case .close:
                #expect(attempt != .none && isShuttingDown, "\(history.suffix(10))")
            case .finish:
                #expect(attempt == .none && isShuttingDown && !isOver, "\(history.suffix(10))")
                timer = nil
                isOver = true
            case .fail(let failure):
                #expect(failure == ReconnectStateMachineTests.refusal && !isOver, "\(history.suffix(10))")
                isOver = true
            }
        }

        /// Lets something happen that can happen now, or something that cannot and must do nothing.
        mutating func step() {
            now = now + .milliseconds(.random(in: 0...40_000, using: &generator))
            let isPermanent = Int.random(in: 0..<200, using: &generator) == 0
            let failure = isPermanent ? ReconnectStateMachineTests.refusal : ReconnectStateMachineTests.loss
            switch Int.random(in: 0..<100, using: &generator) {
            case 0:
                isShuttingDown = true
                carryOut(machine.shutdown(), "shutdown")
            case 1..<15:
                stray(failure)
            default:
                if let timer {
                    now = now + timer
                    self.timer = nil
                    carryOut(machine.waited(), "waited")
                } else {
                    progress(failure)
                }
            }
        }

        private mutating func progress(_ failure: ConnectorFailure) {
            switch (attempt, Int.random(in: 0..<3, using: &generator)) {
            case (.none, _):
                break
            case (.dialing, 0):
                attempt = .none
                carryOut(machine.dialFailed(failure, using: &generator), "dialFailed")
            case (.dialing, 1):
                attempt = .admitted
                carryOut(machine.admitted(at: now), "admitted")
            case (.dialing, _), (.admitted, _):
                attempt = .none
                let told = TimeAmount.nanoseconds(Int64(bitPattern: generator.next()))
                let comeBackAfter = Bool.random(using: &generator) ? told : nil
                let action = machine.sessionEnded(failure, at: now, comeBackAfter: comeBackAfter, using: &generator)
                carryOut(action, "sessionEnded")
            }
        }

        private mutating func stray(_ failure: ConnectorFailure) {
            let before = machine
            var actions = [machine.start()]
            if timer == nil {
                actions.append(machine.waited())
            }
            if attempt == .none {
                actions.append(machine.dialFailed(failure, using: &generator))
                actions.append(machine.admitted(at: now))
                actions.append(machine.sessionEnded(failure, at: now, comeBackAfter: nil, using: &generator))
            }
            #expect(actions.allSatisfy { $0 == .none } && machine == before, "\(history.suffix(10))")
        }
    }

    @Test(arguments: 0..<200)
    func somethingIsAlwaysUnderWayUntilItIsOver(seed: UInt64) {
        var world = World(generator: SplitMix64(state: seed))
        world.carryOut(world.machine.start(), "start")
        for _ in 0..<500 where !world.isOver {
            world.step()
            let isWaiting = world.timer != nil
            let isTrying = world.attempt != .none
            #expect([isWaiting, isTrying, world.isOver].count { $0 } == 1, "\(world.history.suffix(10))")
        }
    }
}
