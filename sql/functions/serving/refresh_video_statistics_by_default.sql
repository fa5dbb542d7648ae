-- function: two_tower.refresh_video_statistics()
-- As the function with three arguments, by the defaults of TwoTower:Popularity.
create or replace function two_tower.refresh_video_statistics()
returns bigint
language sql as $$
    select two_tower.refresh_video_statistics(interval '7 days', 3, 100)
$$;
