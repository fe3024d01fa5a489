-- One row per scheduled departure. A flight that never departed has no departure time: it was cancelled.
select
    time_hour as scheduled_hour,
    make_date(year, month, day) as flown_on,
    month,
    hour,
    dayname(make_date(year, month, day)) as weekday,
    carrier,
    flight,
    tailnum,
    origin,
    dest,
    distance,
    air_time,
    dep_delay,
    arr_delay,
    dep_time is null as cancelled,
    coalesce(arr_delay > 15, false) as late
from {{ source('raw', 'flights') }}
