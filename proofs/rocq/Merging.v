(* Moments of two chunks merge into those of their union; pairs of different samples. *)
From Coq Require Import Reals Lra Lia.
From GAR Require Import Sums Formulas Batch.
Open Scope R_scope.

Section Merging.
Variables n k : nat.
Variable w : nat -> R.
Let after (a : nat -> R) (i : nat) := a (n + i)%nat.
Hypothesis weights_nonneg : forall i, (i < n + k)%nat -> 0 <= w i.
Hypothesis weight_A_pos : 0 < W n w.
Hypothesis weight_B_pos : 0 < W k (after w).
Let wA : forall i, (i < n)%nat -> 0 <= w i. Proof. intros; apply weights_nonneg; lia. Qed.
Let wB : forall i, (i < k)%nat -> 0 <= after w i. Proof. intros; apply weights_nonneg; lia. Qed.
Let WU := W (n + k) w.
Let p := W n w / WU.
Let q := W k (after w) / WU.

Lemma weight_union : WU = W n w + W k (after w).
Proof. unfold WU, W. apply bsum_app. Qed.
Let WU_pos : 0 < WU. Proof. rewrite weight_union. lra. Qed.
Let shares : p + q = 1. Proof. pose proof WU_pos. unfold p, q. replace (W n w) with (WU - W k (after w)) by (rewrite weight_union; ring). field. lra. Qed.

Lemma mean_union a : mean (n + k) w a = p * mean n w a + q * mean k (after w) (after a).
Proof. pose proof WU_pos. unfold mean, S, p, q. rewrite bsum_app. fold WU.
  change (bsum k (fun i => w (n + i)%nat * a (n + i)%nat)) with (bsum k (fun i => after w i * after a i)).
  field. repeat split; lra. Qed.
Lemma cov_union a b : cov (n + k) w a b = p * cov n w a b + q * cov k (after w) (after a) (after b)
  + p * q * ((mean k (after w) (after a) - mean n w a) * (mean k (after w) (after b) - mean n w b)).
Proof. rewrite !cov_sums by auto. rewrite !mean_union.
  change (after (fun i => a i * b i)) with (fun i => after a i * after b i).
  replace q with (1 - p) by lra. ring. Qed.

Variables f y conventional : nat -> R.
Variable s : Shifts.

Lemma merge_both : merge (code_moments n w f y conventional s)
    (code_moments k (after w) (after f) (after y) (after conventional) s)
  = code_moments (n + k) w f y conventional s.
Proof.
  destruct (moments_are n w wA weight_A_pos f y conventional s) as (A1 & A2 & A3 & A4 & _ & _ & A7 & _ & A9).
  destruct (moments_are k (after w) wB weight_B_pos (after f) (after y) (after conventional) s)
    as (B1 & B2 & B3 & B4 & _ & _ & B7 & _ & B9).
  destruct (moments_are (n + k) w weights_nonneg WU_pos f y conventional s)
    as (U1 & U2 & U3 & U4 & U5 & _ & U7 & U8 & U9).
  pose proof (slope_is n w wA weight_A_pos f y conventional s) as SA.
  pose proof (slope_is k (after w) wB weight_B_pos (after f) (after y) (after conventional) s) as SB.
  pose proof (slope_is (n + k) w weights_nonneg WU_pos f y conventional s) as SU.
  pose proof (scaled_covariance_is n w wA weight_A_pos f y conventional s) as CA.
  pose proof (scaled_covariance_is k (after w) wB weight_B_pos (after f) (after y) (after conventional) s) as CB.
  pose proof (scaled_covariance_is (n + k) w weights_nonneg WU_pos f y conventional s) as CU.
  pose proof (var_r_is n w wA weight_A_pos f y conventional s) as RA.
  pose proof (var_r_is k (after w) wB weight_B_pos (after f) (after y) (after conventional) s) as RB.
  pose proof (var_r_is (n + k) w weights_nonneg WU_pos f y conventional s) as RU.
  pose proof (proj1 (scale_is n w wA weight_A_pos f y conventional s)) as LA.
  pose proof (proj1 (scale_is k (after w) wB weight_B_pos (after f) (after y) (after conventional) s)) as LB.
  pose proof (scale_is (n + k) w weights_nonneg WU_pos f y conventional s) as LU.
  pose proof (var_ge0 n w wA weight_A_pos y) as VA.
  pose proof (var_ge0 k (after w) wB weight_B_pos (after y)) as VB.
  pose proof (var_ge0 (n + k) w weights_nonneg WU_pos y) as VU.
  change (fun i => after f i - after y i) with (after (fun i => f i - y i)) in *.
  set (d := fun i => f i - y i) in *.
  set (MA := code_moments n w f y conventional s) in *.
  set (MB := code_moments k (after w) (after f) (after y) (after conventional) s) in *.
  set (MU := code_moments (n + k) w f y conventional s) in *.
  assert (PE : ratio (Moments_weight MA) (Moments_weight MA + Moments_weight MB) = p).
  { rewrite A1, B1, ratio_div by lra. unfold p. rewrite weight_union. reflexivity. }
  assert (QE : ratio (Moments_weight MB) (Moments_weight MA + Moments_weight MB) = q).
  { rewrite A1, B1, ratio_div by lra. unfold q. rewrite weight_union. reflexivity. }
  assert (VE : p * Moments_var_y MA + q * Moments_var_y MB
     + p * q * square (Moments_mean_y MB - Moments_mean_y MA) = var (n + k) w y).
  { unfold square, var. rewrite A3, A4, B3, B4, cov_union. unfold var. ring. }
  assert (FE : p * Moments_scale MA * Moments_var_y MA + q * Moments_scale MB * Moments_var_y MB
     + p * q * ((Moments_mean_f MB - Moments_mean_f MA) * (Moments_mean_y MB - Moments_mean_y MA))
     = cov (n + k) w f y).
  { rewrite cov_union, <- CA, <- CB, A7, A3, A4, B7, B3, B4. ring. }
  assert (CE : p * Moments_slope MA * Moments_var_y MA + q * Moments_slope MB * Moments_var_y MB
     + p * q * ((Moments_mean_d MB - Moments_mean_d MA) * (Moments_mean_y MB - Moments_mean_y MA))
     = cov (n + k) w d y).
  { rewrite cov_union, <- SA, <- SB, A2, A3, A4, B2, B3, B4. ring. }
  assert (GF : Moments_mean_f MB - Moments_mean_f MA = (Moments_mean_d MB - Moments_mean_d MA)
     + (Moments_mean_y MB - Moments_mean_y MA)).
  { rewrite A2, A3, A7, B2, B3, B7. unfold d.
    change (after (fun i => f i - y i)) with (fun i => after f i - after y i).
    rewrite !mean_minus by auto. ring. }
  assert (PQ : 0 < p /\ 0 < q).
  { split; apply Rdiv_lt_0_compat; auto. }
  (* one chunk, and the gap between both, from the errors alone *)
  assert (EA : forall e, p * (Moments_var_r MA + square (residual (Moments_scale MA) (Moments_slope MA) 1
       (Moments_scale MU) (Moments_slope MU) e) * Moments_var_y MA)
     = p * (Moments_var_r MA + square (Moments_slope MA - Moments_slope MU) * Moments_var_y MA)).
  { intros e. rewrite A4. destruct VA as [V|V].
    - destruct LU as [LU _]. destruct (LA V) as [-> _].
      assert (0 < var (n + k) w y).
      { rewrite <- VE, A4, B4. assert (0 < p * var n w y) by (apply Rmult_lt_0_compat; tauto).
        assert (0 <= q * var k (after w) (after y)) by (apply Rmult_le_pos; lra).
        assert (0 <= p * q * square (Moments_mean_y MB - Moments_mean_y MA))
          by (apply Rmult_le_pos; [apply Rmult_le_pos; lra | apply Rle_0_sqr]). lra. }
      destruct (LU H) as [-> _]. unfold residual, unexplained, square. ring.
    - rewrite <- V. ring. }
  assert (EB : forall e, q * (Moments_var_r MB + square (residual (Moments_scale MB) (Moments_slope MB) 1
       (Moments_scale MU) (Moments_slope MU) e) * Moments_var_y MB)
     = q * (Moments_var_r MB + square (Moments_slope MB - Moments_slope MU) * Moments_var_y MB)).
  { intros e. rewrite B4. destruct VB as [V|V].
    - destruct LU as [LU _]. destruct (LB V) as [-> _].
      assert (0 < var (n + k) w y).
      { rewrite <- VE, A4, B4. assert (0 < q * var k (after w) (after y)) by (apply Rmult_lt_0_compat; tauto).
        assert (0 <= p * var n w y) by (apply Rmult_le_pos; lra).
        assert (0 <= p * q * square (Moments_mean_y MB - Moments_mean_y MA))
          by (apply Rmult_le_pos; [apply Rmult_le_pos; lra | apply Rle_0_sqr]). lra. }
      destruct (LU H) as [-> _]. unfold residual, unexplained, square. ring.
    - rewrite <- V. ring. }
  assert (EG : forall e, residual (Moments_mean_f MB - Moments_mean_f MA) (Moments_mean_d MB - Moments_mean_d MA)
       (Moments_mean_y MB - Moments_mean_y MA) (Moments_scale MU) (Moments_slope MU) e
     = Moments_mean_d MB - Moments_mean_d MA - Moments_slope MU * (Moments_mean_y MB - Moments_mean_y MA)).
  { intros e. rewrite GF. unfold residual, unexplained. destruct LU as [L1 L2]. destruct VU as [V|V].
    - destruct (L1 V) as [-> _]. ring.
    - destruct (L2 (eq_sym V)) as [-> ->].
      assert (Y : Moments_mean_y MB - Moments_mean_y MA = 0).
      { apply pow2_0. rewrite <- VE, A4, B4 in V.
        assert (0 <= p * var n w y) by (apply Rmult_le_pos; lra).
        assert (0 <= q * var k (after w) (after y)) by (apply Rmult_le_pos; lra).
        assert (Z : p * q * square (Moments_mean_y MB - Moments_mean_y MA) = 0).
        { assert (0 <= p * q * square (Moments_mean_y MB - Moments_mean_y MA))
            by (apply Rmult_le_pos; [apply Rmult_le_pos; lra | apply Rle_0_sqr]). lra. }
        apply Rmult_integral in Z. destruct Z as [Z|Z]; [|unfold square in Z; lra].
        assert (0 < p * q) by (apply Rmult_lt_0_compat; tauto). lra. }
      rewrite Y. ring. }
  assert (RE : p * (Moments_var_r MA + square (Moments_slope MA - Moments_slope MU) * Moments_var_y MA)
     + q * (Moments_var_r MB + square (Moments_slope MB - Moments_slope MU) * Moments_var_y MB)
     + p * q * square (Moments_mean_d MB - Moments_mean_d MA
         - Moments_slope MU * (Moments_mean_y MB - Moments_mean_y MA))
     = Moments_var_r MU).
  { rewrite RU, RA, RB, A2, A3, A4, B2, B3, B4. unfold square. set (b := Moments_slope MU) in *.
    replace (b ^ 2 * var (n + k) w y) with (2 * b * cov (n + k) w d y - b ^ 2 * var (n + k) w y)
      by (rewrite <- SU; ring).
    unfold var in *. rewrite !cov_union, <- SA, <- SB. ring. }
  unfold merge. cbv zeta. rewrite PE, QE, VE, FE, CE, <- U5, <- U8, EA, EB, EG, RE.
  rewrite A1, B1, A2, B2, A3, B3, A7, B7, A9, B9.
  destruct MU as [u1 u2 u3 u4 u5 u6 u7 u8 u9]; simpl in *. subst.
  fold WU. rewrite weight_union, !mean_union.
  replace q with (1 - p) by lra. f_equal; ring. Qed.
End Merging.

(* A chunk of weight 0 is absent; the order of two chunks does not matter. *)
Theorem merge_nothing (a b : Moments) : Moments_weight a = 0 -> Moments_weight b <> 0 ->
  (Moments_var_y b = 0 -> Moments_scale b = 0 /\ Moments_slope b = 0) -> merge a b = b.
Proof. intros Wa Wb Flat. unfold merge. rewrite Wa. cbv zeta.
  replace (0 + Moments_weight b) with (Moments_weight b) by ring.
  rewrite !ratio_div by auto. replace (0 / Moments_weight b) with 0 by (field; auto).
  replace (Moments_weight b / Moments_weight b) with 1 by (field; auto).
  unfold square. set (vy := 0 * Moments_var_y a + _ + _).
  assert (V : vy = Moments_var_y b) by (unfold vy; ring). rewrite V. clear vy V.
  assert (R : forall c v x, c = 0 + 1 * v * Moments_var_y b -> (Moments_var_y b = 0 -> v = 0) ->
    x = c + 0 -> ratio x (Moments_var_y b) = v).
  { intros c v x Ec F Ex. rewrite Ex, Ec. destruct (Req_dec (Moments_var_y b) 0) as [E|E].
    - rewrite E, ratio_0, (F E). ring.
    - rewrite ratio_div by auto. field. auto. }
  rewrite (R (0 + 1 * Moments_scale b * Moments_var_y b) (Moments_scale b)) by (try reflexivity; try tauto; ring).
  rewrite (R (0 + 1 * Moments_slope b * Moments_var_y b) (Moments_slope b)) by (try reflexivity; try tauto; ring).
  unfold residual, unexplained. destruct b; simpl in *. f_equal; ring. Qed.

Theorem merge_either_order (a b : Moments) : Moments_weight a + Moments_weight b <> 0 ->
  merge a b = merge b a.
Proof. intros H. unfold merge. rewrite (Rplus_comm (Moments_weight b)). cbv zeta.
  set (t := Moments_weight a + Moments_weight b) in *.
  rewrite !ratio_div by auto.
  assert (E : Moments_weight b / t = 1 - Moments_weight a / t) by (unfold t; field; auto).
  rewrite E. set (p := Moments_weight a / t). unfold square.
  match goal with |- Build_Moments _ _ _ _ ?v ?sc ?sl _ _ = Build_Moments _ _ _ _ ?v' ?sc' ?sl' _ _ =>
    assert (V : v = v') by ring; assert (SC : sc = sc') by (rewrite V; f_equal; ring);
    assert (SL : sl = sl') by (rewrite V; f_equal; ring) end.
  rewrite <- SC, <- SL. unfold residual, unexplained. f_equal; ring. Qed.

(* Two chunks, one of which may have no weight; no spread of labels in either is allowed for. *)
Section Union.
Variables n k : nat.
Variables w f y conventional : nat -> R.
Variable s : Shifts.
Let after (a : nat -> R) (i : nat) := a (n + i)%nat.
Hypothesis weights_nonneg : forall i, (i < n + k)%nat -> 0 <= w i.
Hypothesis weight_pos : 0 < W (n + k) w.

Let no_weight l v (a : nat -> R) : (forall i, (i < l)%nat -> 0 <= v i) -> W l v = 0 -> S l v a = 0.
Proof. intros P E. unfold S. rewrite (bsum_ext l _ (fun _ => 0)). rewrite bsum_const. ring.
  intros i Hi. rewrite (bsum_eq0 l v P E i Hi). ring. Qed.
Let wA : forall i, (i < n)%nat -> 0 <= w i. Proof. intros; apply weights_nonneg; lia. Qed.
Let wB : forall i, (i < k)%nat -> 0 <= after w i. Proof. intros; apply weights_nonneg; lia. Qed.

Local Notation err a b := (a - b - Shifts_d s + lost a b (a - b)).
Lemma code_moments_mean l l' v v' g g' z z' c c' : W l v = W l' v' ->
  (forall F : R -> R -> R -> R, mean l v (fun i => F (g i) (z i) (c i)) = mean l' v' (fun i => F (g' i) (z' i) (c' i))) ->
  code_moments l v g z c s = code_moments l' v' g' z' c' s.
Proof. intros E H. unfold code_moments, moments, decompose, shifted. cbn -[residual lost]. rewrite E.
  rewrite !(H (fun a b _ => a - Shifts_f s)), !(H (fun a b _ => b - Shifts_y s)), !(H (fun a b _ => err a b)).
  rewrite (H (fun _ _ r => r) : mean l v c = mean l' v' c').
  set (Mf := mean l' v' (fun i => g' i - Shifts_f s)). set (My := mean l' v' (fun i => z' i - Shifts_y s)).
  set (Md := mean l' v' (fun i => err (g' i) (z' i))).
  rewrite !(H (fun a b _ => (a - Shifts_f s - Mf) * (b - Shifts_y s - My))),
    !(H (fun a b _ => (b - Shifts_y s - My) * (b - Shifts_y s - My))),
    !(H (fun a b _ => (err a b - Md) * (b - Shifts_y s - My))).
  match goal with |- context [residual _ _ _ ?a ?b _] => set (sc := a); set (sl := b) end.
  rewrite (H (fun a b _ => residual (a - Shifts_f s - Mf) (err a b - Md)
       (b - Shifts_y s - My) sc sl (error_share sc sl)
     * residual (a - Shifts_f s - Mf) (err a b - Md) (b - Shifts_y s - My) sc sl (error_share sc sl))).
  reflexivity. Qed.

Theorem merge_is : merge (code_moments n w f y conventional s)
    (code_moments k (after w) (after f) (after y) (after conventional) s)
  = code_moments (n + k) w f y conventional s.
Proof.
  assert (WE : W (n + k) w = W n w + W k (after w)) by apply bsum_app.
  assert (PA : 0 <= W n w) by (apply bsum_ge0; auto).
  assert (PB : 0 <= W k (after w)) by (apply bsum_ge0; auto).
  assert (Weight : forall l v g z c, Moments_weight (code_moments l v g z c s) = W l v) by reflexivity.
  assert (SE : forall a, S (n + k) w a = S n w a + S k (after w) (after a)) by (intros; apply bsum_app).
  destruct PA as [PA|ZA]; [destruct PB as [PB|ZB]|].
  - apply merge_both; auto.
  - rewrite merge_either_order by (rewrite !Weight; lra).
    rewrite merge_nothing; try (rewrite !Weight; lra).
    + apply code_moments_mean. lra. intros F. unfold mean. rewrite WE, <- ZB, SE.
      rewrite (no_weight k (after w)) by auto. f_equal; ring.
    + destruct (moments_are n w wA PA f y conventional s) as (_ & _ & _ & -> & _).
      apply (scale_is n w wA PA f y conventional s).
  - assert (P : 0 < W k (after w)) by lra.
    rewrite merge_nothing; try (rewrite !Weight; lra).
    + apply code_moments_mean. lra. intros F. unfold mean. rewrite WE, <- ZA, SE.
      rewrite (no_weight n w) by auto. f_equal; [unfold after | ]; try ring.
    + destruct (moments_are k (after w) wB P (after f) (after y) (after conventional) s) as (_ & _ & _ & -> & _).
      apply (scale_is k (after w) wB P (after f) (after y) (after conventional) s). Qed.
End Union.

(* The pairs i <> j alone. *)
Section Distinct.
Variable N : nat.
Variable w : nat -> R.
Hypothesis weights_nonneg : forall i, (i < N)%nat -> 0 <= w i.
Hypothesis weight_pos : 0 < W N w.
Definition distinct (g : nat -> nat -> R) :=
  pairs N w (fun i j => if Nat.eqb i j then 0 else g i j).

Lemma distinct_all g : (forall i, g i i = 0) -> distinct g = pairs N w g.
Proof. intros H. apply pairs_ext. intros i j _ _. destruct (Nat.eqb_spec i j); subst; auto. Qed.

Lemma distinct_weight : distinct (fun _ _ => 1) = W N w ^ 2 - bsum N (fun i => w i ^ 2).
Proof. unfold distinct, pairs.
  rewrite (bsum_ext N _ (fun i => W N w * w i - w i ^ 2)).
  - rewrite bsum_minus, bsum_scal. fold (W N w). ring.
  - intros i Hi.
    rewrite (bsum_ext N _ (fun j => w i * w j - (if Nat.eqb i j then w i * w j else 0))).
    + rewrite bsum_minus, bsum_scal, (bsum_single N i (fun j => w i * w j)) by auto. fold (W N w). ring.
    + intros j Hj. destruct (Nat.eqb i j); ring. Qed.

Theorem code_without_self_pairs f y conventional s : 0 < distinct (fun _ _ => 1) ->
  distinct (fun i j => / 2 * ((f i - f j) - (y i - y j)) ^ 2) / distinct (fun _ _ => 1)
  = without_self_pairs (error_variance (code_moments N w f y conventional s))
      (bsum N (fun i => w i ^ 2) / W N w ^ 2).
Proof. intros H. rewrite distinct_all by (intros; ring).
  rewrite distinct_weight in *. unfold without_self_pairs.
  rewrite code_theorem_1 by auto. field. repeat split; lra. Qed.
End Distinct.
