using TwoTower.Supabase.Uploads;

namespace TwoTower.Supabase.Tests.Uploads;

public class VectorCutTests
{
    [Fact]
    public void A_cut_vector_begins_as_the_whole_one_and_is_as_long_as_1()
    {
        float[] vector = [0.6f, 0, 0.48f, 0.64f];
        Assert.Equal([0.6f, 0, 0.8f], VectorCut.To(vector, 3));
        Assert.Equal(vector, VectorCut.To(vector, 4));
        Assert.Equal([1f, 0f], VectorCut.To([1f, 0f, 0f], 2));
        Assert.Equal([0f, 1f], VectorCut.To([0f, 0f, 1f], 2));
    }

    [Fact]
    public void Uuids_are_in_the_order_of_PostgreSQL()
    {
        Guid[] ids = [Guid.Parse("00ffffff-0000-4000-8000-000000000000"), Guid.Parse("01000000-0000-4000-8000-000000000000"), Guid.Parse("ff000000-0000-4000-8000-000000000000")];
        Assert.Equal(ids, ids.Reverse().Order(UuidOrder.Instance));
    }
}
