-- What the popular-and-fresh strategy ranks by: one row a video, refreshed in the background by
-- two_tower.refresh_video_statistics(). A video that has no row yet is served all the same, after those that have one.

create table two_tower.video_statistics (
    video_id     uuid primary key,                    -- no foreign key: the search joins videos, the refresh tidies up
    like_count   int not null,                        -- viewers whose last word is a like
    nope_count   int not null,
    popularity   double precision not null,           -- ln(1 + likes) · (likes + 1) / (likes + nopes + 2)
    released_at  timestamptz,                         -- copied from videos, so that the newest are found by an index of ours
    updated_at   timestamptz not null default clock_timestamp()
);

comment on table two_tower.video_statistics is 'TwoTower: likes, nopes and popularity of each video, as of the last refresh';

create index video_statistics_popular on two_tower.video_statistics (popularity desc, video_id);
create index video_statistics_fresh on two_tower.video_statistics (released_at desc, video_id);
