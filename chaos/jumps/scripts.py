"""The scripts: what happens to the clock, and where in the year."""

MINUTES = ["* * * * *", "0 * * * *", "30 2 * * *"]
SEASONS = ["*/30 * * * *", "0 * * * *", "30 2 * * *", "15,45 1-3 * * *"]
# Chile's clocks change at midnight.
MIDNIGHT = ["*/30 * * * *", "0 * * * *", "30 0 * * *", "0,30 0-1,23 * * *"]


def forward_an_hour(play):
    play.begin("2027-05-04T10:00:30", "UTC", MINUTES)
    play.tick(3)
    play.jump(hours=1)
    play.finish()


def back_an_hour(play):
    play.begin("2027-05-04T10:00:30", "UTC", MINUTES)
    play.tick(3)
    play.jump(hours=-1)
    play.walk(3, minutes=15)
    play.finish()


def forward_a_day(play):
    play.begin("2027-05-04T10:57:30", "Europe/Berlin", MINUTES)
    play.tick(2)
    play.jump(days=1)
    play.finish()


def back_a_day(play):
    play.begin("2027-05-04T10:57:30", "Europe/Berlin", MINUTES)
    play.tick(2)
    play.jump(days=-1)
    play.walk(3, hours=6)
    play.finish()


def forward_and_back_an_hour(play):
    play.begin("2027-05-04T23:40:30", "America/New_York", MINUTES)
    for _ in range(3):
        play.tick()
        play.jump(hours=1)
        play.jump(hours=-1)
    play.finish()


def back_a_day_and_forward_two(play):
    play.begin("2027-05-04T02:00:30", "Asia/Kolkata", MINUTES)
    play.tick(2)
    play.jump(days=-1)
    play.tick()
    play.jump(days=2)
    play.finish()


def gap_of_berlin(play):
    play.begin("2027-03-27T23:40:30", "Europe/Berlin", SEASONS)
    play.tick_to(play.at("2027-03-28T05:00"))
    play.finish()


def fold_of_berlin(play):
    play.begin("2027-10-30T23:40:30", "Europe/Berlin", SEASONS)
    play.tick_to(play.at("2027-10-31T05:00"))
    play.finish()


def gap_of_sydney(play):
    play.begin("2027-10-02T23:40:30", "Australia/Sydney", SEASONS)
    play.tick_to(play.at("2027-10-03T05:00"))
    play.finish()


def fold_of_sydney(play):
    play.begin("2027-04-03T23:40:30", "Australia/Sydney", SEASONS)
    play.tick_to(play.at("2027-04-04T05:00"))
    play.finish()


def gap_of_half_an_hour(play):
    play.begin("2027-10-02T23:40:30", "Australia/Lord_Howe", SEASONS)
    play.tick_to(play.at("2027-10-03T05:00"))
    play.finish()


def fold_of_half_an_hour(play):
    play.begin("2027-04-03T23:40:30", "Australia/Lord_Howe", SEASONS)
    play.tick_to(play.at("2027-04-04T05:00"))
    play.finish()


def over_the_gap(play):
    play.begin("2027-03-14T00:40:30", "America/New_York", SEASONS)
    play.tick(2)
    play.to(play.at("2027-03-14T03:40:01"))
    play.finish()


def over_the_fold(play):
    play.begin("2027-11-07T00:10:30", "America/New_York", SEASONS)
    play.tick(1)
    play.to(play.at("2027-11-07T03:10:01"))
    play.finish()


def back_into_the_fold(play):
    play.begin("2027-10-31T01:40:30", "Europe/Berlin", SEASONS)
    play.tick_to(play.at("2027-10-31T03:20"))
    play.to(play.at("2027-10-31T02:10:01", fold=0))
    play.to(play.at("2027-10-31T02:40:01", fold=0))
    play.to(play.at("2027-10-31T02:10:01", fold=1))
    play.to(play.at("2027-10-31T02:40:01", fold=1))
    play.finish()


def back_before_the_gap(play):
    play.begin("2027-09-04T22:40:30", "America/Santiago", MIDNIGHT)
    play.tick_to(play.at("2027-09-05T01:40"))
    play.to(play.at("2027-09-04T23:10:01"))
    play.walk(2, minutes=45)
    play.finish()


def a_day_over_the_change_and_back(play):
    play.begin("2027-03-27T12:10:30", "Europe/Berlin", SEASONS)
    play.tick(2)
    play.jump(days=1)
    play.jump(days=-1)
    play.jump(days=1)
    play.finish()


def right_before_and_right_after(play):
    play.begin("2027-05-04T10:54:30", "UTC", MINUTES)
    for _ in range(7):
        fire = play.next()
        play.to(fire - 20)
        play.to(fire + 1)
        play.to(fire - 20)
        play.to(fire + 1)
    play.finish()


def killed_in_the_middle_of_a_jump(play):
    play.begin("2027-05-04T10:54:30", "UTC", MINUTES)
    play.tick(2)
    for hours in (1, 24, 1):
        before = play.first.clock
        play.strike(play.first, play.next() + hours * 60 * 60 + 1)
        play.first.begin(before - 30 * 60)
        play.look()
        play.tick()
    play.finish()


def an_hour_apart(play):
    play.begin("2027-05-04T10:54:30", "UTC", MINUTES)
    ahead = play.process("h2")
    ahead.begin(play.first.clock + 60 * 60)
    play.look(ahead)
    for _ in range(4):
        play.tick(process=ahead)
        play.first.set(ahead.clock - 60 * 60)
        play.look(play.first, ahead)
    play.finish(process=ahead)


def the_one_ahead_is_killed(play):
    play.begin("2027-05-04T10:54:30", "UTC", MINUTES)
    ahead = play.process("h2")
    ahead.begin(play.first.clock + 60 * 60)
    play.look(ahead)
    play.strike(ahead, ahead.clock + 24 * 60 * 60)
    play.walk(3, hours=8)
    play.finish()


SCRIPTS = [
    forward_an_hour, back_an_hour, forward_a_day, back_a_day, forward_and_back_an_hour,
    back_a_day_and_forward_two, gap_of_berlin, fold_of_berlin, gap_of_sydney, fold_of_sydney,
    gap_of_half_an_hour, fold_of_half_an_hour, over_the_gap, over_the_fold, back_into_the_fold,
    back_before_the_gap, a_day_over_the_change_and_back, right_before_and_right_after,
    killed_in_the_middle_of_a_jump, an_hour_apart, the_one_ahead_is_killed,
]
